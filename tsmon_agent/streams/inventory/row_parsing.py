"""Rows of a table or of JSON, parsed and checked: every mistake is named by its line.

The rows of each table are in :mod:`.stream_rows` and :mod:`.deployment_rows`.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Protocol, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from tsmon.errors import InvalidRowsError
from tsmon_agent.streams.inventory.csv_table import Columns, Mistake

__all__ = ["NumberedValues", "RowValues", "TableRow", "parse_rows"]

T = TypeVar("T")
R = TypeVar("R", bound="TableRow")

NumberedValues: TypeAlias = Iterable[tuple[int, Mapping[str, object]]]
"""The number of each row, counted from 1, and its values by the names of the columns."""


class TableRow(Protocol):
    """A row that has been parsed; a value that it does not give (UNSET) leaves what is stored as it is."""

    @property
    def line(self) -> int:
        """Number of the row in its table."""

    @property
    def reference_designator(self) -> str:
        """The instrument that the row is about."""


class RowValues:
    """Reads the values of one row and collects the mistakes in them."""

    def __init__(self, values: Mapping[str, object], columns: Columns) -> None:
        self.mistakes = [
            f"there is no {key!r} in a row; there are {', '.join(columns.names)}"
            for key in values
            if key not in columns.spellings
        ]
        self._values = values

    def read_required(self, key: str, parse: Callable[[object], T]) -> T | None:
        """Parse a value; None if it is missing or wrong, which makes the row unusable."""
        if key not in self._values:
            self.mistakes.append(f"the {_format_key(key)} is missing; give it")
            return None
        found = self.read(key, parse)
        return None if found is UNSET else found

    def read(self, key: str, parse: Callable[[object], T]) -> T | UnsetType:
        """Parse a value; UNSET if it is missing or wrong."""
        if key in self._values:
            try:
                return parse(self._values[key])
            except ValueError as error:
                self.mistakes.append(f"the {_format_key(key)} {error}")
        return UNSET


def parse_rows(
    rows: NumberedValues,
    parse: Callable[[int, Mapping[str, object]], R | list[str]],
    *,
    noun: str,
    key: tuple[str, ...],
    source: str,
    mistakes: Iterable[Mistake],
) -> list[R]:
    """Parse rows; raises :class:`~tsmon.errors.InvalidRowsError` with all mistakes, ``mistakes`` among them.

    ``parse`` returns a row or its mistakes. Two rows may not be equal in the attributes ``key``; ``noun`` says what
    a row is of.
    """
    identify = attrgetter(*key)
    wrong = list(mistakes)
    found: list[R] = []
    lines: dict[object, int] = {}
    for line, values in rows:
        row = parse(line, values)
        if isinstance(row, list):
            wrong += ((line, mistake) for mistake in row)
            continue
        first = lines.setdefault(identify(row), line)
        if first != line:
            wrong.append((line, f"this is the {noun} of line {first} again; remove one of the two"))
        found.append(row)
    if wrong:
        raise InvalidRowsError(source, sorted(wrong))
    return found


def _format_key(key: str) -> str:
    return "flag enabled" if key == "enabled" else key.replace("_", " ")
