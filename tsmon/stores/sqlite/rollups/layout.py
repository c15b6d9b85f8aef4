"""Where rollups are stored in the file.

The table ``rungs`` numbers the tiers; ``from_ns`` is the time before which a tier's rows have been removed. Number
0 stands for the points themselves. The rollups of measurement 3 in tier 2 are in table ``m3_r2``, clustered by
series and window (its number, counted from the epoch): count, first and last (as offsets from the window's start)
of all points, and the mean of each field, in the column of the points' table; 1 for values without a mean, NULL for
none. A field that some points of the window lack has its own count, first and last in ``partial``. ``marks`` are
spans of a series whose rollups are outdated. ``thawed`` are windows from before the points begin that have been
written since points were last removed.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tsmon.stores.rollup_tiers import RollupTier

__all__ = [
    "MAX_TIME",
    "MIN_TIME",
    "TABLES",
    "Layout",
    "TierLayout",
    "count_marked_s",
    "mark_all",
    "transaction",
    "window_number",
]

MIN_TIME: Final = -(2**63)
MAX_TIME: Final = 2**63 - 1

TABLES: Final = (
    """CREATE TABLE rungs (
        number INTEGER PRIMARY KEY,
        every_ns INTEGER NOT NULL UNIQUE,
        keep_ns INTEGER,
        from_ns INTEGER NOT NULL
    )""",
    f"INSERT INTO rungs (number, every_ns, from_ns) VALUES (0, 0, {MIN_TIME})",
    """CREATE TABLE marks (
        series INTEGER NOT NULL,
        start_ns INTEGER NOT NULL,
        stop_ns INTEGER NOT NULL,
        PRIMARY KEY (series, start_ns)
    ) WITHOUT ROWID""",
    """CREATE TABLE partial (
        series INTEGER NOT NULL,
        rung INTEGER NOT NULL,
        window INTEGER NOT NULL,
        field INTEGER NOT NULL,
        count INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (series, rung, window, field)
    ) WITHOUT ROWID""",
    """CREATE TABLE thawed (
        series INTEGER NOT NULL,
        start_ns INTEGER NOT NULL,
        PRIMARY KEY (series, start_ns)
    ) WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True)
class TierLayout:
    """One tier of the file; its rows begin at ``from_ns``."""

    number: int
    every_ns: int
    keep_ns: int | None
    from_ns: int

    def table(self, measurement: int) -> str:
        """Table of a measurement's rollups in this tier."""
        return f"m{measurement}_r{self.number}"

    def floor(self, time_ns: int) -> int:
        """Start of the window that contains this time."""
        return time_ns - time_ns % self.every_ns

    def ceil(self, time_ns: int) -> int:
        """The first window start at or after this time."""
        return -(-time_ns // self.every_ns) * self.every_ns


@dataclass(frozen=True, slots=True)
class Layout:
    """The file's tiers from the narrowest to the widest, and the time from which its points are complete."""

    tiers: tuple[TierLayout, ...]
    points_from_ns: int

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> Self:
        """Read the layout from the file; a file of an older version has no tiers."""
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rungs'").fetchone():
            return cls((), MIN_TIME)
        points_from_ns, tiers = MIN_TIME, []
        for number, every_ns, keep_ns, from_ns in connection.execute(
            "SELECT number, every_ns, keep_ns, from_ns FROM rungs ORDER BY every_ns"
        ):
            if number:
                tiers.append(TierLayout(number, every_ns, keep_ns, from_ns))
            else:
                points_from_ns = from_ns
        return cls(tuple(tiers), points_from_ns)

    @staticmethod
    def change(connection: sqlite3.Connection, tiers: Sequence[RollupTier]) -> None:
        """Give the file these tiers; new ones will be computed from what is stored."""
        present = Layout.read(connection).tiers
        if [(tier.every_ns, tier.keep_ns) for tier in present] == [(r.every_ns, r.keep_ns) for r in tiers]:
            return
        with transaction(connection):
            Layout._change(connection, tiers)

    @staticmethod
    def _change(connection: sqlite3.Connection, tiers: Sequence[RollupTier]) -> None:
        before = {tier.every_ns: tier for tier in Layout.read(connection).tiers}
        wanted = {tier.every_ns: tier.keep_ns for tier in tiers}
        measurements = [row[0] for row in connection.execute("SELECT id FROM measurements")]
        for every_ns, tier in before.items():
            if every_ns in wanted:
                connection.execute("UPDATE rungs SET keep_ns = ? WHERE number = ?", (wanted[every_ns], tier.number))
                continue
            for measurement in measurements:
                connection.execute(f"DROP TABLE IF EXISTS {tier.table(measurement)}")
            connection.execute("DELETE FROM partial WHERE rung = ?", (tier.number,))
            connection.execute("DELETE FROM rungs WHERE number = ?", (tier.number,))
        new = [every_ns for every_ns in wanted if every_ns not in before]
        connection.executemany(
            f"INSERT INTO rungs (every_ns, keep_ns, from_ns) VALUES (?, ?, {MIN_TIME})",
            [(every_ns, wanted[every_ns]) for every_ns in new],
        )
        if not wanted:
            connection.execute("DELETE FROM marks")
        elif new:
            mark_all_series(connection)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: everything in it is committed, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def mark_all_series(connection: sqlite3.Connection) -> None:
    """Mark each series over all its points and rollups, in the current transaction."""
    layout = Layout.read(connection)
    narrow = layout.tiers[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    marks = []
    for series, measurement in connection.execute("SELECT id, measurement FROM series").fetchall():
        spans = [_span(connection, f"m{measurement}", "time_ns", 1, series)]
        spans += [
            _span(connection, tier.table(measurement), "window", tier.every_ns, series)
            for tier in layout.tiers
            if tier.table(measurement) in tables
        ]
        known = [span for span in spans if span is not None]
        if known:
            start_ns, stop_ns = min(span[0] for span in known), max(span[1] for span in known)
            marks.append((series, max(narrow.floor(start_ns), MIN_TIME), min(narrow.ceil(stop_ns), MAX_TIME)))
    connection.execute("DELETE FROM marks")
    connection.executemany("INSERT INTO marks VALUES (?, ?, ?)", marks)


def mark_all(connection: sqlite3.Connection, _: Callable[[], None]) -> bool:
    """As :func:`mark_all_series`, in a transaction of its own; returns False, since nothing is left to do."""
    if Layout.read(connection).tiers:
        with transaction(connection):
            mark_all_series(connection)
    return False


def count_marked_s(connection: sqlite3.Connection) -> int:
    """Number of marked seconds, of all series together."""
    found = connection.execute("SELECT sum((stop_ns - start_ns) / 1000000000) FROM marks").fetchone()[0]
    return found or 0


def window_number(column: str, every: str) -> str:
    """SQL of the window number of a time; below the epoch it is one less, since division truncates."""
    return f"({column} / {every} - ({column} % {every} < 0))"


def _span(
    connection: sqlite3.Connection, table: str, column: str, unit_ns: int, series: int
) -> tuple[int, int] | None:
    query = f"SELECT {{}}({column}) FROM {table} WHERE series = ?"
    low = connection.execute(query.format("min"), (series,)).fetchone()[0]
    high = connection.execute(query.format("max"), (series,)).fetchone()[0]
    return None if low is None else (low * unit_ns, (high + 1) * unit_ns)
