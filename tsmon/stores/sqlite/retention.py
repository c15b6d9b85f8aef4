"""Removal of old points, in steps that each hold the file for some milliseconds only."""

import contextlib
import sqlite3
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

    def step(self, connection: sqlite3.Connection) -> bool:
        """Do the next part; return whether there is more. Raises ``sqlite3.Error``, then nothing is done."""
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
                series = id_
            if not following:
                self._remove_measurements(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._series = series
        self._looked_through = not following
        self.deleted += deleted
        return True

    def _remove_points(self, connection: sqlite3.Connection, series: int, measurement: int, at_most: int) -> int:
        """Remove old points of one series, and the series where none is left; return how many went."""
        table = f"m{measurement}"
        edge = connection.execute(
            f"SELECT time_ns FROM {table} WHERE series = ? AND time_ns < ? "  # noqa: S608  # a generated name
            "ORDER BY time_ns LIMIT 1 OFFSET ?",
            (series, self._before_ns, at_most),
        ).fetchone()
        before_ns = self._before_ns if edge is None else edge[0]
        deleted = connection.execute(
            f"DELETE FROM {table} WHERE series = ? AND time_ns < ?",  # noqa: S608  # a generated name
            (series, before_ns),
        ).rowcount
        left = connection.execute(f"SELECT 1 FROM {table} WHERE series = ? LIMIT 1", (series,)).fetchone()  # noqa: S608
        if left is None:
            connection.execute("DELETE FROM series WHERE id = ?", (series,))
        return deleted

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
        connection.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
        if connection.execute("PRAGMA freelist_count").fetchone()[0]:
            return True
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return False
