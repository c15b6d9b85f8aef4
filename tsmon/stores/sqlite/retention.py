"""Removal of expired points and rollups, in steps that each lock the file for some milliseconds only."""

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Final

from tsmon.stores.sqlite.rollups import Layout, refresh

__all__ = ["RetentionRun"]

STEP_POINTS: Final = 5_000
STEP_SERIES: Final = 500
STEP_PAGES: Final = 1_000
"""What one step removes, examines and returns to the file system, at most."""


class RetentionRun:
    """One pass over the file: remove expired rows, then series and measurements without rows, then free space.

    Points older than ``keep_ns`` nanoseconds before ``now_ns`` are removed (None: none), once their rollups are
    computed, by whole windows of the narrowest tier; rollups are removed after the retention of their tier. Call
    :meth:`step` until it returns False; other transactions may run between the steps.
    """

    def __init__(self, now_ns: int, keep_ns: int | None) -> None:
        self._now_ns = now_ns
        self._before_ns = -(2**63) if keep_ns is None else max(now_ns - keep_ns, -(2**63))
        self._layout: Layout | None = None
        self._tables: dict[int, list[tuple[str, str, int]]] = {}
        self._series = 0
        self._is_scanned = False
        self.deleted = 0
        """Points removed so far."""

    def step(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> bool:
        """Take the next step; return whether there are more. If it raises ``sqlite3.Error``, it changed nothing.

        Calls ``forget`` before it removes series or measurements, so that no cached numbers of theirs are used.
        """
        if self._is_scanned:
            return self._shrink(connection)
        # Roll up what will be removed, including what is written between steps.
        waiting = "SELECT 1 FROM marks WHERE start_ns < ? LIMIT 1"
        if connection.execute(waiting, (self._before_ns,)).fetchone():
            forget()
            refresh(connection)
            return True
        if self._layout is None:
            forget()
            self._begin(connection)
        self._tables.clear()
        series, deleted, removed = self._series, 0, 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            following = connection.execute(
                "SELECT id, measurement FROM series WHERE id > ? ORDER BY id LIMIT ?", (series, STEP_SERIES)
            ).fetchall()
            for id_, measurement in following:
                for table, column, before in self._limits(connection, measurement):
                    rows = self._remove(connection, table, column, id_, before, STEP_POINTS - removed)
                    removed += rows
                    deleted += rows if column == "time_ns" else 0
                if removed >= STEP_POINTS:
                    break
                connection.execute("DELETE FROM thawed WHERE series = ?", (id_,))
                if self._is_empty(connection, id_, measurement):
                    forget()
                    connection.execute("DELETE FROM series WHERE id = ?", (id_,))
                    connection.execute("DELETE FROM marks WHERE series = ?", (id_,))
                series = id_
            # Writes between steps may add series without end: a short list is the last one.
            finished = removed < STEP_POINTS and len(following) < STEP_SERIES
            if finished:
                forget()
                self._remove_measurements(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._series = series
        self._is_scanned = finished
        self.deleted += deleted
        return True

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Decide which rows expire, and note it in the file: from now on queries ignore them."""
        self._layout = layout = Layout.read(connection)
        if not layout.tiers:
            return
        self._before_ns = max(layout.tiers[0].floor(self._before_ns), -(2**63))
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._raise_from(connection, 0, self._before_ns)
            for tier in layout.tiers:
                if tier.keep_ns is not None:
                    self._raise_from(connection, tier.number, tier.floor(self._now_ns - tier.keep_ns))
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._layout = Layout.read(connection)

    @staticmethod
    def _raise_from(connection: sqlite3.Connection, number: int, from_ns: int) -> None:
        connection.execute(
            "UPDATE rungs SET from_ns = max(from_ns, ?) WHERE number = ?", (max(from_ns, -(2**63)), number)
        )

    def _limits(self, connection: sqlite3.Connection, measurement: int) -> list[tuple[str, str, int]]:
        """Tables of a measurement, their time columns, and the value below which rows expire."""
        found = self._tables.get(measurement)
        if found is None:
            assert self._layout is not None
            tiers = [
                (tier.table(measurement), "window", tier.from_ns // tier.every_ns)
                for tier in self._layout.tiers
                if _exists(connection, tier.table(measurement))
            ]
            found = self._tables[measurement] = [(f"m{measurement}", "time_ns", self._before_ns), *tiers]
        return found

    def _remove(
        self, connection: sqlite3.Connection, table: str, column: str, series: int, before: int, at_most: int
    ) -> int:
        """Remove expired rows of one series, at most so many; return how many were removed."""
        if at_most <= 0:
            return 0
        edge = connection.execute(
            f"SELECT {column} FROM {table} WHERE series = ? AND {column} < ? ORDER BY {column} LIMIT 1 OFFSET ?",
            (series, before, at_most),
        ).fetchone()
        before = before if edge is None else edge[0]
        if column == "window":
            connection.execute(
                "DELETE FROM partial WHERE series = ? AND rung = ? AND window < ?",
                (series, int(table.partition("_r")[2]), before),
            )
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


def _exists(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
