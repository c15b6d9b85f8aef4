"""Where a setting was made: the line of the file, or the environment variable."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["find_place", "find_variable"]


def find_place(keys: list[str], file: Path | None, text: str) -> str:
    """Place of a setting, in the environment or in a file with this text; all places of a section."""
    exact = find_variable(keys)
    if exact:
        return exact
    prefix = f"{_variable(keys)}__"
    within = sorted(name for name in os.environ if name.upper().startswith(prefix))
    return ", ".join(filter(None, [_find_line(keys, file, text), *within])) or "settings"


def find_variable(keys: list[str]) -> str | None:
    """The environment variable that makes a setting, as it is spelled; None if there is none."""
    wanted = _variable(keys)
    return next((name for name in os.environ if name.upper() == wanted), None)


def _variable(keys: list[str]) -> str:
    return "TSMON_" + "__".join(keys).upper()


def _find_line(keys: list[str], file: Path | None, text: str) -> str:
    """``file:line`` of a key, else of the innermost section around it; empty without a file.

    Growing parts of the file are parsed until the key appears, so every way of writing a key in TOML is understood.
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
    """How many of the nested keys exist."""
    for depth, key in enumerate(keys):
        if not isinstance(values, Mapping) or key not in values:
            return depth
        values = values[key]
    return len(keys)
