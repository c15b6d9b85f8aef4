"""Which numbered points the embedded store's file has."""

import contextlib
import sqlite3
from pathlib import Path

__all__ = ["stored_in_file"]


def stored_in_file(path: Path) -> list[int]:
    """Numbers of all points in the file, sorted; what was stored twice with two times is there twice."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        (measurement,) = connection.execute("SELECT id FROM measurements WHERE name = 'numbered'").fetchone()
        (number,) = connection.execute(
            "SELECT number FROM fields WHERE measurement = ? AND name = 'n'", (measurement,)
        ).fetchone()
        return sorted(n for (n,) in connection.execute(f"SELECT c{number} FROM m{measurement}"))
