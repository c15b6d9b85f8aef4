"""Annotations: rows that begin with ``#`` and describe the columns of the table below them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Final

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.write_dialect.columns import Column, parse_type
from tsmon_agent.ingest.files.write_dialect.times import find_annotated_zone

__all__ = ["Annotations", "match_annotation"]

OF_COLUMNS: Final = ("#datatype", "#group", "#default")
OF_TABLES: Final = ("#constant", "#concat", "#timezone")


@dataclass(slots=True)
class Annotations:
    """What annotations say about the next table; ``zone`` holds for all tables that follow."""

    types: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    defaults: Sequence[str] | None = None
    added: list[Column] = field(default_factory=list)
    zone: tzinfo | None = None

    @property
    def are_of_columns(self) -> bool:
        """Whether any of them has a cell for each column."""
        return any(one is not None for one in (self.types, self.groups, self.defaults))

    def add(self, name: str, cells: Sequence[str]) -> None:
        """Take a row of the annotation ``name``; raises ImportingError."""
        values = [_strip_annotation(cells[0]), *cells[1:]]
        if name == "#datatype":
            self.types = values
        elif name == "#group":
            self.groups = values
        elif name == "#default":
            self.defaults = values
        elif name == "#timezone":
            self.zone = find_annotated_zone((values[0] or "".join(values[1:2])).strip())
        else:
            self.added.append(_parse_added(name, values if values[0] else values[1:]))

    def build_columns(self, header: Sequence[str]) -> list[Column]:
        """The columns of a table with this header, without those that are added."""
        of_columns = [one for one in (self.types, self.groups, self.defaults) if one is not None]
        width = max(map(len, of_columns), default=len(header))
        return [self._build_column(index, header[index] if index < len(header) else "") for index in range(width)]

    def _build_column(self, index: int, name: str) -> Column:
        type_ = parse_type(_get(self.types, index))
        if not (type_.part or type_.name):
            name, bar, text = name.partition("|")
            type_ = parse_type(text) if bar else type_
        default = _get(self.defaults, index) or type_.default
        is_tag = not type_.part and _get(self.groups, index).endswith("true")
        return Column(name, replace(type_, part="tag" if is_tag else type_.part, default=default), index)


def match_annotation(cell: str) -> str:
    """The annotation that a row with this first cell is, or an empty text."""
    name = cell.partition(" ")[0].lower()
    return name if name in OF_COLUMNS or name in OF_TABLES else ""


def _get(values: Sequence[str] | None, index: int) -> str:
    return values[index] if values is not None and index < len(values) else ""


def _strip_annotation(cell: str) -> str:
    """What follows the name: in ``#datatype measurement`` the cell of the first column."""
    return cell.partition(" ")[2].lstrip(" ")


def _parse_added(name: str, values: Sequence[str]) -> Column:
    """A column from ``type,name,value``; measurement and dateTime need no name."""
    type_, label, value = (*values[:3], "", "", "")[:3]
    found = parse_type(type_)
    if not (found.part or found.name):
        raise ImportingError(f"{name} names no data type; write such as {name},tag,site,harbour")
    if found.part in ("measurement", "time") and not value:
        label, value = "", label
    if not label and found.part not in ("measurement", "time"):
        raise ImportingError(f"{name} {type_} names no column; write {name},{type_},NAME,VALUE")
    return Column(
        label or f"{name} {type_}", replace(found, default=value or found.default), None, name == "#concat"
    )
