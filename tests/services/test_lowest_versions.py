from pathlib import Path

import pytest

from tests.services.lowest_versions import list_lowest_versions

PROJECT = """
[project]
name = "x"
dependencies = ["a>=1.2,<4", "b[c,d]>=2"]

[project.optional-dependencies]
one = ["e==1!1.0", "x[two]"]
bench = ["f>=1"]
lint = ["g>=1"]
two = ["a>=1.2,<4", "h.i-j>=0.66b1"]
"""


def test_each_dependency_is_named_once_at_its_lower_bound(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT)
    assert list_lowest_versions(file) == ["a==1.2", "b==2", "e==1!1.0", "h.i-j==0.66b1"]


def test_a_dependency_without_a_lower_bound_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT.replace("b[c,d]>=2", "b<2"))
    with pytest.raises(ValueError, match=r"^b<2: no lower bound is found; write it as name>=version$"):
        list_lowest_versions(file)


def test_a_dependency_with_two_lower_bounds_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT.replace('"h.i-j>=0.66b1"', '"b>=3"'))
    with pytest.raises(ValueError, match=r"^b==2 and b==3: there are two lower bounds; keep one$"):
        list_lowest_versions(file)
