"""Removal of expired points and rollups, in steps that each lock the file for some milliseconds only."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from tsmon.stores.sqlite.catalogue import parse_tags
from tsmon.stores.sqlite.retention.kept_streams import KeptStreams
from tsmon.stores.sqlite.rollups import Layout, RemovedPoints, refresh
from tsmon.stores.sqlite.rollups.layout import MAX_TIME, MIN_TIME, mark_all_series, transaction

__all__ = ["RetentionRun"]

STEP_POINTS: Final = 5_000
STEP_SERIES: Final = 500
STEP_PAGES: Final = 1_000
"""What one step removes, examines and returns to the file system, at most."""

_OF_SERIES: Final = tuple((table, "series") for table in ("marks", "frontiers", "removed"))
"""Tables, and their column with the number of a series."""


class RetentionRun:
    """One pass over the file: remove expired rows, then series and measurements without rows, then free space.

    Points older than ``keep_ns`` nanoseconds before ``now_ns`` are removed (None: none), those of streams after
    ``streams_keep_ns``, once their rollups are computed, by whole windows of the narrowest tier. Rollups are
    removed after the retention of their tier. Call :meth:`step` until it returns False; other transactions may run
    between the steps.
    """

    def __init__(self, now_ns: int, keep_ns: int | None, streams_keep_ns: int | None = None) -> None:
        self._now_ns = now_ns
        self._points_before_ns = _before_ns(now_ns, keep_ns)
        self._streams_before_ns = _before_ns(now_ns, streams_keep_ns)
        self._layout: Layout | None = None
        self._tables: dict[int, list[tuple[str, str, int]]] = {}
        self._series = 0
        self._is_scanned = False
        self.deleted = 0
        """Points removed so far."""
        self.removed: dict[str, int] = {}
        """The same by measurement."""
        self.removed_rollups: dict[int, int] = {}
        """Rollups removed so far, by the width of their windows."""

    def step(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> bool:
        """Take the next step; return whether there are more. If it raises ``sqlite3.Error``, it changed nothing.

        Calls ``forget`` before it removes series or measurements, so that no cached numbers of theirs are used.
        """
        if self._is_scanned:
            return self._shrink(connection)
        # Roll up the windows of what will be removed, including what is written between steps.
        waiting = "SELECT 1 FROM marks WHERE start_ns < ? LIMIT 1"
        touched_ns = self._touched_before_ns(connection)
        if connection.execute(waiting, (touched_ns,)).fetchone():
            forget()
            refresh(connection)
            # Where writes touch these windows all the time, it goes on all the same.
            if connection.execute(waiting, (touched_ns,)).fetchone():
                return True
        if self._layout is None:
            forget()
            self._begin(connection)
        self._tables.clear()
        series, removed = self._series, 0
        forget()  # what has been removed of a series decides how writes are rolled up
        rows: Counter[tuple[str, str]] = Counter()
        with transaction(connection):
            kept = KeptStreams.read(connection)
            following = connection.execute(
                "SELECT series.id, measurement, name, tags FROM series JOIN measurements "
                "ON measurements.id = measurement WHERE series.id > ? ORDER BY series.id LIMIT ?",
                (series, STEP_SERIES),
            ).fetchall()
            for id_, measurement, name, tags in following:
                is_kept = bool(kept) and kept.have(name, parse_tags(tags))
                before_ns = self._streams_before_ns if is_kept else self._points_before_ns
                for table, column, before in self._limits(connection, measurement, before_ns):
                    at_most = STEP_POINTS - removed
                    found = self._remove(connection, measurement, table, column, id_, before, at_most)
                    removed += found
                    rows[name, table] += found
                if removed >= STEP_POINTS:
                    break
                if self._is_empty(connection, id_, measurement):
                    forget()
                    for owned, column in (("series", "id"), *_OF_SERIES):
                        connection.execute(f"DELETE FROM {owned} WHERE {column} = ?", (id_,))
                series = id_
            # Writes between steps may add series without end: a short list is the last one.
            finished = removed < STEP_POINTS and len(following) < STEP_SERIES
            if finished:
                forget()
                self._remove_measurements(connection)
        self._series = series
        self._is_scanned = finished
        self._count(rows)
        return True

    def _count(self, rows: Mapping[tuple[str, str], int]) -> None:
        assert self._layout is not None
        widths = {str(tier.number): tier.every_ns for tier in self._layout.tiers}
        for (name, table), found in rows.items():
            if not found:
                continue
            tier = table.partition("_r")[2]
            if tier:
                self.removed_rollups[widths[tier]] = self.removed_rollups.get(widths[tier], 0) + found
            else:
                self.removed[name] = self.removed.get(name, 0) + found
                self.deleted += found

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Decide which rows expire, and note it in the file for tiers: from now on queries ignore them."""
        self._layout = layout = Layout.read(connection)
        if not layout.tiers:
            return
        narrowest = layout.tiers[0]
        self._points_before_ns = max(narrowest.floor(self._points_before_ns), MIN_TIME)
        self._streams_before_ns = max(narrowest.floor(self._streams_before_ns), MIN_TIME)
        with transaction(connection):
            self._lower_frontiers(connection)
            for tier in layout.tiers:
                if tier.keep_ns is not None:
                    self._raise_from(connection, tier.number, tier.floor(self._now_ns - tier.keep_ns))
        self._layout = Layout.read(connection)

    def _lower_frontiers(self, connection: sqlite3.Connection) -> None:
        """Take back what was noted by a clock that was ahead: points and rollups of the present are there.

        Nothing has been lost after the last removed point, so everything after it is computed again.
        """
        ahead = "SELECT 1 FROM rungs WHERE from_ns > ? LIMIT 1"
        if connection.execute(ahead, (self._now_ns,)).fetchone() is None:
            return
        connection.execute(
            "UPDATE frontiers SET points_from_ns = max(last_ns + 1, ?) WHERE points_from_ns > ?",
            (max(self._points_before_ns, self._streams_before_ns), self._now_ns),
        )
        connection.execute(
            "UPDATE rungs SET from_ns = coalesce((SELECT max(points_from_ns) FROM frontiers), ?) WHERE number = 0",
            (MIN_TIME,),
        )
        layout = Layout.read(connection)
        for tier in layout.tiers:
            if tier.from_ns > self._now_ns:
                expired_ns = MIN_TIME if tier.keep_ns is None else tier.floor(self._now_ns - tier.keep_ns)
                from_ns = max(expired_ns, min(tier.ceil(layout.points_from_ns), tier.from_ns))
                connection.execute("UPDATE rungs SET from_ns = ? WHERE number = ?", (from_ns, tier.number))
        mark_all_series(connection)

    @staticmethod
    def _raise_from(connection: sqlite3.Connection, number: int, from_ns: int) -> None:
        connection.execute(
            "UPDATE rungs SET from_ns = max(from_ns, ?) WHERE number = ?", (max(from_ns, MIN_TIME), number)
        )

    def _note_removal(self, connection: sqlite3.Connection, measurement: int, series: int, before_ns: int) -> None:
        """Note that a series is about to lose its points from before a time, and what they are in each tier."""
        layout = self._layout
        assert layout is not None
        last = connection.execute(
            f"SELECT max(time_ns) FROM m{measurement} WHERE series = ? AND time_ns < ?", (series, before_ns)
        ).fetchone()[0]
        if last is None:
            return
        lost_ns = Layout.read(connection).points_from_of(connection, series)  # also by the step before
        for tier in layout.tiers:
            if _exists(connection, tier.table(measurement)):
                # A window is all removed before no narrower tier has it any more, unless it is so wide.
                is_cut = tier.from_ns <= tier.floor(before_ns) < layout.lost_before(tier, MAX_TIME) + tier.every_ns
                removed = RemovedPoints(connection, measurement, tier)
                removed.remove(series, before_ns, is_cut=is_cut, was_lost_before_ns=lost_ns)
        connection.execute(
            "INSERT INTO frontiers VALUES (?, ?, ?) ON CONFLICT (series) DO UPDATE SET points_from_ns = "
            "max(points_from_ns, excluded.points_from_ns), last_ns = max(last_ns, excluded.last_ns)",
            (series, before_ns, last),
        )
        self._raise_from(connection, 0, before_ns)

    def _touched_before_ns(self, connection: sqlite3.Connection) -> int:
        """The end of the last window of any tier that loses points, or has lost some."""
        layout = Layout.read(connection)
        before_ns = max(self._points_before_ns, self._streams_before_ns, layout.points_from_ns)
        return min(max((tier.ceil(before_ns) for tier in layout.tiers), default=before_ns), MAX_TIME)

    def _limits(
        self, connection: sqlite3.Connection, measurement: int, before_ns: int = MIN_TIME
    ) -> list[tuple[str, str, int]]:
        """Tables of a measurement, their time columns, and the value below which rows expire."""
        tiers = self._tables.get(measurement)
        if tiers is None:
            assert self._layout is not None
            tiers = self._tables[measurement] = [
                (tier.table(measurement), "window", tier.from_ns // tier.every_ns)
                for tier in self._layout.tiers
                if _exists(connection, tier.table(measurement))
            ]
        return [(f"m{measurement}", "time_ns", before_ns), *tiers]

    def _remove(
        self,
        connection: sqlite3.Connection,
        measurement: int,
        table: str,
        column: str,
        series: int,
        before: int,
        at_most: int,
    ) -> int:
        """Remove expired rows of one series, at most so many; return how many were removed."""
        if at_most <= 0:
            return 0
        edge = connection.execute(
            f"SELECT {column} FROM {table} WHERE series = ? AND {column} < ? ORDER BY {column} LIMIT 1 OFFSET ?",
            (series, before, at_most),
        ).fetchone()
        before = before if edge is None else edge[0]
        if column == "time_ns":
            self._note_removal(connection, measurement, series, before)
        else:
            tier = int(table.partition("_r")[2])
            for notes in ("partial", "removed"):
                query = f"DELETE FROM {notes} WHERE series = ? AND rung = ? AND window < ?"
                connection.execute(query, (series, tier, before))
        return connection.execute(
            f"DELETE FROM {table} WHERE series = ? AND {column} < ?",
            (series, before),
        ).rowcount

    def _is_empty(self, connection: sqlite3.Connection, series: int, measurement: int) -> bool:
        for table, _, _ in self._limits(connection, measurement):
            query = f"SELECT 1 FROM {table} WHERE series = ? LIMIT 1"
            if connection.execute(query, (series,)).fetchone() is not None:
                return False
        return True

    def _remove_measurements(self, connection: sqlite3.Connection) -> None:
        empty = connection.execute(
            "SELECT id FROM measurements WHERE id NOT IN (SELECT measurement FROM series)"
        ).fetchall()
        for (measurement,) in empty:
            for table, _, _ in self._limits(connection, measurement):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM fields WHERE measurement = ?", (measurement,))
            connection.execute("DELETE FROM measurements WHERE id = ?", (measurement,))

    @staticmethod
    def _shrink(connection: sqlite3.Connection) -> bool:
        """Free pages; at the end copy the log into the file, which is when the file shrinks."""
        before = connection.execute("PRAGMA freelist_count").fetchone()[0]
        # execute() would stop after one page: sqlite3 does not fetch rows without columns.
        connection.executescript(f"PRAGMA incremental_vacuum({STEP_PAGES})")
        after = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if 0 < after < before:
            return True
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return False


def _before_ns(now_ns: int, keep_ns: int | None) -> int:
    """The time before which points expire."""
    return MIN_TIME if keep_ns is None else max(now_ns - keep_ns, MIN_TIME)


def _exists(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
