"""Columns of the dialect of ``influx write``: what each is in line protocol, its type, format and default."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Column", "Part", "Type", "has_typed_name", "parse_type"]

Part = Literal["", "measurement", "tag", "field", "time", "ignored"]
"""The place of a column in line protocol; empty if its name and type decide."""

_placeholder: Final = re.compile(r"\$\{([^}]+)\}")
_typed_name: Final = re.compile(
    r"[^|]*\|(?:measurement|tag|field|time|ignored?|string|double|long|unsignedLong|boolean|duration|dateTime)"
    r"(?:[:|].*)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Type:
    """A cell of ``#datatype``, such as ``dateTime:2006-01-02|2024-01-01``."""

    part: Part = ""
    name: str = ""
    format: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file, or one that ``#constant`` or ``#concat`` adds, which has no ``index``."""

    name: str
    type: Type
    index: int | None = None
    is_template: bool = False
    """Whether the default is a text with names of other columns, as in ``${first} ${last}``."""

    def text(self, cells: Sequence[str]) -> str:
        """The cell, or the default where it is empty."""
        if self.index is not None and self.index < len(cells) and cells[self.index]:
            return cells[self.index]
        return self.type.default

    def fill(self, find_text: Callable[[str], str]) -> str:
        """The text of a template; ``find_text`` gives the text of another column."""
        return _placeholder.sub(lambda found: find_text(found[1]), self.type.default)

    @property
    def names_in_template(self) -> list[str]:
        """The columns that a template needs."""
        return _placeholder.findall(self.type.default) if self.is_template else []


def parse_type(text: str) -> Type:
    """Parse ``type``, ``type:format``, ``type|default`` or ``type:format|default``."""
    bar = text.find("|")
    default, text = (text[bar + 1 :], text[:bar]) if bar > 1 else ("", text)
    colon = text.find(":")
    form, name = (text[colon + 1 :], text[:colon]) if colon > 1 else ("", text)
    if name in ("time", "dateTime"):
        return Type("time", "dateTime", form, default)
    if name == "measurement":
        return Type("measurement", "string", form, default)
    if name == "tag":
        return Type("tag", "string", form, default)
    if name == "field":
        return Type("field", "", form, default)
    if name.startswith("ignore"):
        return Type("ignored", "", form, default)
    return Type("", name, form, default)


def has_typed_name(cells: Sequence[str]) -> bool:
    """Whether this is a header whose names have types, such as ``m|measurement,v|double,time|dateTime``."""
    return any(_typed_name.fullmatch(cell) for cell in cells)
