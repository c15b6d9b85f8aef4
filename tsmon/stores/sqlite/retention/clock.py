"""The time by which a file's retention removes, kept in the file; see :mod:`tsmon.stores.retention_clock`."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from tsmon.stores.retention_clock import ClockReading, ClockState, advance
from tsmon.stores.sqlite.rollups.layout import transaction

__all__ = ["adopt_clock", "confirm_clock", "observe_clock"]

_TABLE: Final = """CREATE TABLE IF NOT EXISTS clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    now_ns INTEGER NOT NULL,
    wall_ns INTEGER NOT NULL,
    running_ns INTEGER NOT NULL,
    boot TEXT NOT NULL,
    deviates_ns INTEGER NOT NULL,
    lasted_ns INTEGER NOT NULL,
    confirmed INTEGER NOT NULL
)"""


def observe_clock(connection: sqlite3.Connection, reading: ClockReading, place: object) -> int:
    """Compare a reading with the time that has passed, and return the time to remove by."""
    with transaction(connection):
        state = advance(_read(connection), reading, place)
        _write(connection, state)
    return state.safe_ns


def confirm_clock(connection: sqlite3.Connection) -> bool:
    """Let the next comparison believe the system's time; return whether it is another one than has passed."""
    with transaction(connection):
        state = _read(connection)
        if state is None or not state.deviates_ns:
            return False
        _write(connection, replace(state, is_confirmed=True))
        return True


def adopt_clock(connection: sqlite3.Connection, row: Sequence[Any]) -> None:
    """Go on from the clock of a damaged file, given as its row, unless this file's is the earlier one."""
    _, *values, boot, deviates_ns, lasted_ns, _ = row
    now_ns, wall_ns, running_ns = values
    for one in (now_ns, wall_ns, running_ns, deviates_ns, lasted_ns):
        if not isinstance(one, int):
            return
    state = ClockState(now_ns, wall_ns, running_ns, f"{boot}", deviates_ns, lasted_ns)
    present = _read(connection)
    if present is None or state.safe_ns < present.safe_ns:
        _write(connection, state)


def _read(connection: sqlite3.Connection) -> ClockState | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'clock'").fetchone():
        return None
    row = connection.execute(
        "SELECT now_ns, wall_ns, running_ns, boot, deviates_ns, lasted_ns, confirmed FROM clock"
    ).fetchone()
    return None if row is None else ClockState(*row)


def _write(connection: sqlite3.Connection, state: ClockState) -> None:
    connection.execute(_TABLE)
    connection.execute(
        "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(state.now_ns, state.wall_ns, state.running_ns, state.boot),
            *(state.deviates_ns, state.lasted_ns, state.is_confirmed),
        ),
    )
