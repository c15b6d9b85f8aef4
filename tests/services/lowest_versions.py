"""Print each dependency at the lowest version that pyproject.toml allows, as constraints for pip.

The versions of the packages that these need are pip's choice. The extras ``bench`` and ``lint`` are left out: they
are tools for work on tsmon itself. Only the standard library is used here.
"""

import itertools
import re
import tomllib
from pathlib import Path
from typing import Final

__all__ = ["list_lowest_versions"]

PROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
LEFT_OUT: Final = {"bench", "lint"}


def list_lowest_versions(project: Path = PROJECT) -> list[str]:
    """One requirement for each; raises ValueError for a dependency without a lower bound, or with several."""
    described = tomllib.loads(project.read_text())["project"]
    extras = described["optional-dependencies"]
    wanted = {*described["dependencies"], *(one for name in extras.keys() - LEFT_OUT for one in extras[name])}
    lowest = sorted(_lower(one) for one in wanted if not one.startswith(f"{described['name']}["))
    for one, next_one in itertools.pairwise(lowest):
        if one.partition("==")[0] == next_one.partition("==")[0]:
            raise ValueError(f"{one} and {next_one}: there are two lower bounds; keep one")
    return lowest


def _lower(requirement: str) -> str:
    found = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?[>=]=([\w.!+]+)(?:,<[\w.]+)?", requirement)
    if found is None:
        raise ValueError(f"{requirement}: no lower bound is found; write it as name>=version")
    return f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print("\n".join(list_lowest_versions()))
