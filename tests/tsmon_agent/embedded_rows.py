"""Contents of the embedded store's file, read by the tests' own SQL."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

__all__ = ["read_rows"]


def read_rows(file: Path, measurement: str) -> list[dict[str, Any]]:
    """Read the points of a measurement in order of time: fields by name, ``tags``, ``time_ns``."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT id FROM measurements WHERE name = ?", [measurement]).fetchone()
        if found is None:
            return []
        fields = connection.execute("SELECT name, number FROM fields WHERE measurement = ?", found).fetchall()
        names = [name for name, _ in fields]
        columns = ", ".join(f"c{number}" for _, number in fields)
        points = connection.execute(
            f"SELECT tags, time_ns, {columns} FROM m{found[0]} JOIN series ON series.id = series ORDER BY time_ns"
        )
        rows = [dict(zip(["tags", "time_ns", *names], point, strict=True)) for point in points]
    return [{**row, "tags": dict(json.loads(row["tags"]))} for row in rows]
