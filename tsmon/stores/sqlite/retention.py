"""Removal of old points, in steps that each hold the file for some milliseconds only."""

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Final

__all__ = ["Retention"]

STEP_POINTS: Final = 5_000
STEP_SERIES: Final = 500
STEP_PAGES: Final = 1_000
"""What one step removes, looks through and gives back to the file system, at most."""


class Retention:
    """One pass over the file: points older than ``before_ns``, then what is left without points, then space.

    Call :meth:`step` until it returns False; other transactions may come in between.
    """

    def __init__(self, before_ns: int) -> None:
        self._before_ns = max(before_ns, -(2**63))
        self._series = 0
        self._looked_through = False
        self.deleted = 0
        """Points removed so far."""

    def step(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> bool:
        """Do the next part; return whether there is more. Raises ``sqlite3.Error``, then nothing is done.

        Calls ``forget`` before it removes series or measurements, for whoever remembers their numbers.
        """
        if self._looked_through:
            return self._shrink(connection)
        series, deleted = self._series, 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            following = connection.execute(
                "SELECT id, measurement FROM series WHERE id > ? ORDER BY id LIMIT ?", (series, STEP_SERIES)
            ).fetchall()
            for id_, measurement in following:
                deleted += self._remove_points(connection, id_, measurement, STEP_POINTS - deleted)
                if deleted >= STEP_POINTS:
                    break
                if self._is_empty(connection, id_, measurement):
                    forget()
                    connection.execute("DELETE FROM series WHERE id = ?", (id_,))
                series = id_
            # Writes in between may add series without end: a short list is the last one.
            finished = deleted < STEP_POINTS and len(following) < STEP_SERIES
            if finished:
                forget()
                self._remove_measurements(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._series = series
        self._looked_through = finished
        self.deleted += deleted
        return True

    def _remove_points(self, connection: sqlite3.Connection, series: int, measurement: int, at_most: int) -> int:
        """Remove old points of one series; return how many went."""
        table = f"m{measurement}"
        edge = connection.execute(
            f"SELECT time_ns FROM {table} WHERE series = ? AND time_ns < ? "  # noqa: S608  # a generated name
            "ORDER BY time_ns LIMIT 1 OFFSET ?",
            (series, self._before_ns, at_most),
        ).fetchone()
        before_ns = self._before_ns if edge is None else edge[0]
        return connection.execute(
            f"DELETE FROM {table} WHERE series = ? AND time_ns < ?",  # noqa: S608  # a generated name
            (series, before_ns),
        ).rowcount

    @staticmethod
    def _is_empty(connection: sqlite3.Connection, series: int, measurement: int) -> bool:
        query = f"SELECT 1 FROM m{measurement} WHERE series = ? LIMIT 1"  # noqa: S608  # a generated name
        return connection.execute(query, (series,)).fetchone() is None

    @staticmethod
    def _remove_measurements(connection: sqlite3.Connection) -> None:
        empty = connection.execute(
            "SELECT id FROM measurements WHERE id NOT IN (SELECT measurement FROM series)"
        ).fetchall()
        for (measurement,) in empty:
            connection.execute(f"DROP TABLE m{measurement}")
            connection.execute("DELETE FROM fields WHERE measurement = ?", (measurement,))
            connection.execute("DELETE FROM measurements WHERE id = ?", (measurement,))

    @staticmethod
    def _shrink(connection: sqlite3.Connection) -> bool:
        """Give free pages back; at the end copy the log into the file, which is what shortens it."""
        before = connection.execute("PRAGMA freelist_count").fetchone()[0]
        # execute() would stop after one page: sqlite3 does not fetch rows that have no columns.
        connection.executescript(f"PRAGMA incremental_vacuum({STEP_PAGES})")
        after = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if 0 < after < before:
            return True
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return False
