"""Where rollups are stored in the file.

The table ``rungs`` numbers the tiers; ``from_ns`` is the time before which a tier's rows have been removed. Number
0 stands for the points themselves. The rollups of measurement 3 in tier 2 are in table ``m3_r2``, clustered by
series and window (its number, counted from the epoch): count, first and last (as offsets from the window's start)
of all points, and the mean of each field, in the column of the points' table; 1 for values without a mean, NULL for
none. A field that some points of the window lack has its own count, first and last in ``partial``. ``marks`` are
spans of a series whose rollups are outdated. ``frontiers`` are the times before which points of a series have been
removed, and that of the last of them; a series without an entry has lost none. ``removed`` is what the removed
points of a window were, see :mod:`tsmon.stores.sqlite.rollups.removed_points`.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tsmon.stores.rollup_tiers import RollupTier

__all__ = [
    "FRONTIERS",
    "MAX_TIME",
    "MIN_TIME",
    "TABLES",
    "Layout",
    "TierLayout",
    "count_marked_s",
    "drop_tier",
    "is_longer",
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
)

FRONTIERS: Final = (
    """CREATE TABLE frontiers (
        series INTEGER PRIMARY KEY,
        points_from_ns INTEGER NOT NULL,
        last_ns INTEGER NOT NULL
    )""",
    """CREATE TABLE removed (
        series INTEGER NOT NULL,
        rung INTEGER NOT NULL,
        window INTEGER NOT NULL,
        field INTEGER NOT NULL,
        count INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        mean REAL,
        PRIMARY KEY (series, rung, window, field)
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
    """The file's tiers from the narrowest to the widest, and from when on the points of all series are complete.

    Those of single series may be complete from an earlier time on, see :meth:`points_from_of`.
    """

    tiers: tuple[TierLayout, ...]
    points_from_ns: int
    has_frontiers: bool = True
    """Whether the file has the frontiers of single series; one of an older version has not."""

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
        frontiers = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'frontiers'").fetchone()
        return cls(tuple(tiers), points_from_ns, frontiers is not None)

    def points_from_of(self, connection: sqlite3.Connection, series: int) -> int:
        """The time before which points of one series have been removed."""
        if self.points_from_ns == MIN_TIME:
            return MIN_TIME
        row = connection.execute("SELECT points_from_ns FROM frontiers WHERE series = ?", (series,)).fetchone()
        return MIN_TIME if row is None else int(row[0])

    @property
    def whole_from_ns(self) -> int:
        """The time from which no window of any tier has lost points."""
        if self.points_from_ns == MIN_TIME:
            return MIN_TIME
        return max((tier.ceil(self.points_from_ns) for tier in self.tiers), default=MIN_TIME)

    def lost_before(self, tier: TierLayout, points_from_ns: int) -> int:
        """The time before which windows of a tier hold what is in neither narrower tiers nor the points.

        ``points_from_ns`` is that of the series, see :meth:`points_from_of`.
        """
        narrower = (
            one.from_ns for one in self.tiers if one.every_ns < tier.every_ns and not tier.every_ns % one.every_ns
        )
        return min(points_from_ns, *narrower, MAX_TIME)

    def find_below(self, tier: TierLayout) -> TierLayout | None:
        """The tier whose windows make up those of ``tier``: the widest narrower one that divides it."""
        narrower = (one for one in self.tiers if one.every_ns < tier.every_ns and not tier.every_ns % one.every_ns)
        return max(narrower, key=lambda one: one.every_ns, default=None)

    @staticmethod
    def change(connection: sqlite3.Connection, tiers: Sequence[RollupTier]) -> None:
        """Add these tiers to the file's, or keep those that it has for longer; new ones are computed later.

        Nothing is removed: a tier that is not named stays as it is, and none is kept for a shorter time.
        """
        before = {tier.every_ns: tier for tier in Layout.read(connection).tiers}
        new = [tier for tier in tiers if tier.every_ns not in before]
        longer = [
            tier
            for tier in tiers
            if (known := before.get(tier.every_ns)) is not None and is_longer(tier.keep_ns, known.keep_ns)
        ]
        if not new and not longer:
            return
        with transaction(connection):
            layout = Layout.read(connection)
            connection.executemany(
                "UPDATE rungs SET keep_ns = ? WHERE every_ns = ?",
                [(tier.keep_ns, tier.every_ns) for tier in longer],
            )
            connection.executemany(
                "INSERT INTO rungs (every_ns, keep_ns, from_ns) VALUES (?, ?, ?)",
                [(tier.every_ns, tier.keep_ns, _begin_of_new(layout, tier.every_ns)) for tier in new],
            )
            if new:
                mark_all_series(connection)


def is_longer(keep_ns: int | None, than_ns: int | None) -> bool:
    """Whether rows are kept for longer than; None: for ever."""
    return than_ns is not None and (keep_ns is None or keep_ns > than_ns)


def drop_tier(connection: sqlite3.Connection, tier: TierLayout) -> None:
    """Remove a tier with its rollups, in the current transaction."""
    for (measurement,) in connection.execute("SELECT id FROM measurements").fetchall():
        connection.execute(f"DROP TABLE IF EXISTS {tier.table(measurement)}")
    connection.execute("DELETE FROM partial WHERE rung = ?", (tier.number,))
    connection.execute("DELETE FROM removed WHERE rung = ?", (tier.number,))
    connection.execute("DELETE FROM rungs WHERE number = ?", (tier.number,))
    if not Layout.read(connection).tiers:
        connection.execute("DELETE FROM marks")


def _begin_of_new(layout: Layout, every_ns: int) -> int:
    """From when on a new tier can be computed, if a wider one is left of what came before; else the beginning."""
    narrower = [one.from_ns for one in layout.tiers if one.every_ns < every_ns and not every_ns % one.every_ns]
    known_ns = min([layout.points_from_ns, *narrower])
    if any(one.every_ns > every_ns and one.from_ns < known_ns for one in layout.tiers):
        return min(-(-known_ns // every_ns) * every_ns, MAX_TIME)
    return MIN_TIME


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
