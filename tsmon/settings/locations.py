"""Where a setting was given: the line of the file, or the environment variable."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["place_of"]


def place_of(keys: list[str], file: Path | None, text: str) -> str:
    """Where a setting was given; of a section that is set in several places, all of them."""
    wanted = "TSMON_" + "__".join(keys).upper()
    exact = [name for name in os.environ if name.upper() == wanted]
    if exact:
        return exact[0]
    within = sorted(name for name in os.environ if name.upper().startswith(f"{wanted}__"))
    return ", ".join(filter(None, [_line_of(keys, file, text), *within])) or "settings"


def _line_of(keys: list[str], file: Path | None, text: str) -> str:
    """``file:line`` where a key stands, else that of the innermost section around it; empty without a file.

    The file is parsed line by line further down, until the key is there: so every way of writing a key that TOML
    knows is understood.
    """
    if file is None:
        return ""
    best, depth, start = str(file), 0, 1
    lines = text.split("\n")
    for end in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        found = _depth(values, keys)
        if found > depth:
            best, depth = f"{file}:{start}", found
        start = end + 1
    return best


def _depth(values: Any, keys: list[str]) -> int:
    """How many of the nested keys there are."""
    for depth, key in enumerate(keys):
        if not isinstance(values, Mapping) or key not in values:
            return depth
        values = values[key]
    return len(keys)
