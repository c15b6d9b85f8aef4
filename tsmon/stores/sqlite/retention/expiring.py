"""What would expire if something were kept for a shorter time: whether there is any, and how many rows."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from tsmon.stores.retention_policy import Expiring
from tsmon.stores.sqlite.catalogue import parse_tags
from tsmon.stores.sqlite.retention.kept_streams import KeptStreams
from tsmon.stores.sqlite.rollups import TierLayout
from tsmon.time_units import HOUR_NS

__all__ = ["count_expiring", "would_expire"]

AHEAD_NS: Final = HOUR_NS
"""A clock that is further behind the newest point is not believed."""


def would_expire(
    connection: sqlite3.Connection, subject: str, tier: TierLayout | None, before_ns: int, now_ns: int
) -> bool:
    """Whether the subject has rows from before a time, or from the future, since then the clock may be wrong.

    ``subject`` is ``points``, ``streams``, or the width of ``tier``.
    """
    for _, table, column, series in _list_series(connection, subject, tier):
        for value, order in ((_scale(before_ns, tier), "<"), (_scale(now_ns + AHEAD_NS, tier), ">")):
            query = f"SELECT 1 FROM {table} WHERE series = ? AND {column} {order} ? LIMIT 1"
            if connection.execute(query, (series, value)).fetchone():
                return True
    return False


def count_expiring(
    connection: sqlite3.Connection, subject: str, tier: TierLayout | None, before_ns: int
) -> Expiring:
    """Count the rows of the subject from before a time."""
    rows: dict[str, int] = {}
    for name, table, column, series in _list_series(connection, subject, tier):
        query = f"SELECT count(*) FROM {table} WHERE series = ? AND {column} < ?"
        found = connection.execute(query, (series, _scale(before_ns, tier))).fetchone()[0]
        if found:
            rows[name] = rows.get(name, 0) + found
    return Expiring(before_ns, rows)


def _list_series(
    connection: sqlite3.Connection, subject: str, tier: TierLayout | None
) -> Iterator[tuple[str, str, str, int]]:
    """Measurement, table, column of time and number of each series that the subject has rows of."""
    kept = KeptStreams.read(connection) if tier is None else KeptStreams(())
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for series, measurement, name, tags in connection.execute(
        "SELECT series.id, measurement, name, tags FROM series JOIN measurements ON measurements.id = measurement"
    ).fetchall():
        if tier is not None:
            if tier.table(measurement) in tables:
                yield name, tier.table(measurement), "window", series
        elif (bool(kept) and kept.have(name, parse_tags(tags))) == (subject == "streams"):
            yield name, f"m{measurement}", "time_ns", series


def _scale(time_ns: int, tier: TierLayout | None) -> int:
    """A time as the table has it, within what SQLite compares with."""
    return min(max(time_ns if tier is None else time_ns // tier.every_ns, -(2**63)), 2**63 - 1)
