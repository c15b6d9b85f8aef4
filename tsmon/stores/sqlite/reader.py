"""The three questions, in SQL. Each is answered from one snapshot of the file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tsmon.errors import StoreRefusedError
from tsmon.stores.base import Bin, Newest, Selector, Series
from tsmon.stores.sqlite.catalogue import tags_of

__all__ = ["bins", "newest", "series"]

NUMBERS: Final = {"float", "integer", "unsigned"}
MIN_SQLITE: Final = -(2**63)
MAX_SQLITE: Final = 2**63 - 1

# Division truncates towards zero; below the epoch the window is one lower, unless it divides evenly. The
# number of the window, unlike its start, cannot overflow.
_WINDOW: Final = "time_ns / :every - (time_ns % :every < 0)"
_SELECTED: Final = (
    "series IN (SELECT value FROM json_each(:ids)) AND time_ns >= :start AND time_ns < :stop AND {} IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the selected values lie."""

    table: str
    column: str
    type: str
    series: dict[int, dict[str, str]]

    @property
    def ids(self) -> str:
        return json.dumps(list(self.series))


def bins(
    connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
) -> list[Bin]:
    """See :meth:`Store.bins`."""
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        rows = connection.execute(
            f"SELECT {_WINDOW} AS number, min(time_ns), max(time_ns), count(*) FROM {target.table} "  # noqa: S608  # generated names
            f"WHERE {_SELECTED.format(target.column)} GROUP BY number ORDER BY number",
            _parameters(target, start_ns, stop_ns, every_ns),
        )
        return [Bin(number * every_ns, first, last, count) for number, first, last, count in rows]


def newest(connection: sqlite3.Connection, selector: Selector) -> list[Newest]:
    """See :meth:`Store.newest`; one step into the index for each series."""
    found = []
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        query = (
            f"SELECT time_ns, {target.column} FROM {target.table} "  # noqa: S608  # generated names
            f"WHERE series = ? AND {target.column} IS NOT NULL ORDER BY time_ns DESC LIMIT 1"
        )
        for number, tags in target.series.items():
            row = connection.execute(query, (number,)).fetchone()
            if row is not None:
                found.append(Newest(tags, row[0], bool(row[1]) if target.type == "boolean" else row[1]))
    return sorted(found, key=lambda point: sorted(point.tags.items()))


def series(
    connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
) -> list[Series]:
    """See :meth:`Store.series`; raises :class:`StoreRefusedError` for strings and booleans."""
    found: dict[int, tuple[list[int], list[float]]] = {}
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        if target.type not in NUMBERS:
            raise StoreRefusedError(
                f"field {selector.field!r} of measurement {selector.measurement!r} is of type {target.type}, "
                "which has no mean; choose a field of numbers"
            )
        for number, window, mean in connection.execute(
            f"SELECT series, {_WINDOW} AS number, avg({target.column}) FROM {target.table} "  # noqa: S608  # generated names
            f"WHERE {_SELECTED.format(target.column)} GROUP BY series, number ORDER BY series, number",
            _parameters(target, start_ns, stop_ns, every_ns),
        ):
            times, values = found.setdefault(number, ([], []))
            times.append(window * every_ns)
            values.append(mean)
    answer = [Series(target.series[number], times, values) for number, (times, values) in found.items()]
    return sorted(answer, key=lambda one: sorted(one.tags.items()))


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # Some errors end the transaction themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _find(connection: sqlite3.Connection, selector: Selector) -> _Target | None:
    row = connection.execute(
        "SELECT measurements.id, fields.number, fields.type FROM measurements "
        "JOIN fields ON fields.measurement = measurements.id WHERE measurements.name = ? AND fields.name = ?",
        (selector.measurement, selector.field),
    ).fetchone()
    if row is None:
        return None
    measurement, number, type_ = row
    # The text of a pair finds nearly what is meant, and quickly; that the tags are equal is checked below.
    pairs = [json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in selector.tags.items()]
    wanted = selector.tags.items()
    found = {
        id_: tags
        for id_, text in connection.execute(
            f"SELECT id, tags FROM series WHERE measurement = ?{' AND instr(tags, ?)' * len(pairs)}",  # noqa: S608  # no text from outside
            (measurement, *pairs),
        )
        if (tags := tags_of(text)).items() >= wanted
    }
    return _Target(f"m{measurement}", f"c{number}", type_, found)


def _parameters(target: _Target, start_ns: int, stop_ns: int, every_ns: int) -> dict[str, int | str]:
    return {
        "ids": target.ids,
        "start": min(max(start_ns, MIN_SQLITE), MAX_SQLITE),
        "stop": min(max(stop_ns, MIN_SQLITE), MAX_SQLITE),
        "every": min(every_ns, MAX_SQLITE),
    }
