"""Rows loaded into a table of the state: new ones are added, others changed, none removed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon.errors import InvalidRowsError
from tsmon_agent.state import Deployment, ExpectedStream
from tsmon_agent.streams.inventory.row_parsing import TableRow

__all__ = ["LoadResult", "load_rows"]

MANY: Final = 500
"""From this number of instruments on, the whole table is read instead of naming them all in the query."""

M = TypeVar("M", ExpectedStream, Deployment)
R = TypeVar("R", bound=TableRow)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How many rows were added, changed an entry, or agreed with what was stored."""

    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"


def load_rows(
    session: Session,
    table: type[M],
    rows: Sequence[R],
    *,
    key: tuple[str, ...],
    find_values: Callable[[R, M | None], Mapping[str, Any]],
    source: str,
) -> LoadResult:
    """Add rows that are not stored and change entries that differ from their rows.

    ``key`` names the attributes that identify a row and its entry. ``find_values`` returns the columns that a row
    sets, given the entry that is stored for it, if any; it raises ValueError if the two contradict each other.
    Raises :class:`~tsmon.errors.InvalidRowsError` with all such rows; the transaction must then be rolled back.
    """
    identify = attrgetter(*key)
    stored = {identify(entry): entry for entry in _query_entries(session, table, rows)}
    added = changed = 0
    mistakes = []
    for row in rows:
        entry = stored.get(identify(row))
        try:
            values = find_values(row, entry)
        except ValueError as error:
            mistakes.append((row.line, str(error)))
            continue
        if entry is None:
            session.add(table(**{name: getattr(row, name) for name in key}, **values))
            added += 1
        elif any(getattr(entry, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(entry, name, value)
            changed += 1
    if mistakes:
        raise InvalidRowsError(source, mistakes)
    session.flush()
    return LoadResult(added, changed, len(rows) - added - changed)


def _query_entries(session: Session, table: type[M], rows: Iterable[TableRow]) -> Iterable[M]:
    names = {row.reference_designator for row in rows}
    query = select(table)
    if len(names) < MANY:
        query = query.where(table.reference_designator.in_(names))
    return session.scalars(query)
