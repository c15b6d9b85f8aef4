"""Recovery of what can be read of a damaged file, in steps that each lock the file for some milliseconds only.

First what the file says of retention, then rollups, which may be all that is left of old points, then points. Every
row is added only where the store's file has none, so a recovery that was interrupted begins again.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.recovery.damaged_file import DamagedFile, Row, Table
from tsmon.stores.sqlite.recovery.target import Target
from tsmon.stores.sqlite.retention.clock import adopt_clock
from tsmon.stores.sqlite.retention.terms import adopt_terms
from tsmon.stores.sqlite.rollups import Layout
from tsmon.stores.sqlite.rollups.layout import transaction

__all__ = ["Recovery"]

PAGES_IN_STEP: Final = 2_000
"""Pages that are looked at in one step, while the tables are searched."""

ROWS_IN_STEP: Final = 1_000

Batch = Callable[[sqlite3.Connection], None]


class Recovery:
    """Copies from the file at ``path``. Call :meth:`step` until it returns False; then :meth:`describe`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points = 0
        self.rollups = 0
        """Points and rollups that were added."""
        self.position = 0
        """Pages of points and rollups that were read."""
        self._source = DamagedFile(path)
        self._own: list[tuple[int, int, int]] = []
        self._batches = self._read()
        self._waiting: Batch | None = None

    @property
    def pages(self) -> int:
        """Pages of the damaged file."""
        return self._source.pages

    @property
    def has_found_tables(self) -> bool:
        """Whether it is a file of tsmon's at all, as far as it can be read."""
        return bool(self._source.tables())

    @property
    def lost_pages(self) -> int:
        """Pages that cannot be read."""
        return self._source.lost_pages

    def step(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> bool:
        """Take the next step; return whether there are more. One that raises ``sqlite3.Error`` is repeated."""
        if self._waiting is None:
            self._waiting = next(self._batches, None)
            if self._waiting is None:
                self._source.close()
                return False
        forget()
        self._waiting(connection)
        self._waiting = None
        return True

    def describe(self) -> str:
        """Describe what was recovered and what was lost."""
        lost = self._source.lost_rows
        points = sum(rows for name, rows in lost.items() if "_r" not in name)
        rollups = sum(lost.values()) - points
        found = f"{self.points:,} points and {self.rollups:,} rollups were recovered from {self.path}"
        if not self._source.lost_pages and not lost:
            return f"{found}; all of its {self.pages:,} pages could be read"
        return (
            f"{found}; {self._source.lost_pages:,} of its {self.pages:,} pages are unreadable, and with them about "
            f"{points:,} points and {rollups:,} rollups, which are computed again if their points are there"
        )

    def close(self) -> None:
        """Close the damaged file."""
        self._source.close()

    def _read(self) -> Iterator[Batch]:
        for number, _ in enumerate(self._source.prepare()):
            if not number % PAGES_IN_STEP:
                yield lambda _: None
        yield self._add_terms
        yield self._in_transaction(lambda target: target.add_frontiers(self._read_integers("frontiers", 3)))
        for name, table in self._source.tables():
            is_points = table.tier is None
            rows: list[Row] = []
            for page in (self._source.read_points if is_points else self._source.read_rollups)(name, table):
                self.position += 1
                rows += page
                if len(rows) >= ROWS_IN_STEP:
                    yield self._store(table, rows)
                    rows = []
            yield self._store(table, rows)
        yield self._in_transaction(lambda target: target.add_partial(self._read_integers("partial", 7)))
        yield self._in_transaction(
            lambda target: target.add_marks([*self._own, *self._source.read_plain("marks", 3)])
        )

    def _read_integers(self, name: str, columns: int) -> Iterator[Row]:
        """Rows of a small table that has nothing but integers."""
        return (row for row in self._source.read_plain(name, columns) if all(isinstance(one, int) for one in row))

    def _store(self, table: Table, rows: list[Row]) -> Batch:
        def store(target: Target) -> None:
            if not rows:
                return
            if table.tier is None:
                self.points += target.add_points(table, rows)
            else:
                added, own = target.add_rollups(table, rows)
                self.rollups += added
                self._own += own

        return self._in_transaction(store)

    def _in_transaction(self, work: Callable[[Target], None]) -> Batch:
        def batch(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                work(Target(connection, self._source))

        return batch

    def _add_terms(self, connection: sqlite3.Connection) -> None:
        """Give the file the tiers of the damaged one, and what that knows of retention and streams."""
        known = sorted(one for number, one in self._source.tiers.items() if number)
        Layout.change(connection, [RollupTier(every_ns, keep_ns) for every_ns, keep_ns, _ in known])
        with transaction(connection):
            for every_ns, _, from_ns in self._source.tiers.values():
                connection.execute(
                    "UPDATE rungs SET from_ns = max(from_ns, ?) WHERE every_ns = ?", (from_ns, every_ns)
                )
            lost = self._source.lost_pages
            terms = list(self._source.read_plain("terms", 6))
            streams = list(self._source.read_plain("streams", 2))
            # Without the streams, their points would expire as all others do.
            is_complete = self._source.lost_pages == lost and self._source.has_table("streams")
            adopt_terms(connection, terms if is_complete else ())
            connection.executemany("INSERT OR IGNORE INTO streams VALUES (?, ?)", streams)
            for clock in self._source.read_plain("clock", 8):
                adopt_clock(connection, clock)
