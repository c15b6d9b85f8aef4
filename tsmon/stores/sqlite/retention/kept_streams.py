"""Which series belong to expected streams, and so have a retention of their own.

The file itself knows it: the table ``streams`` has the measurement and the tags by which each stream selects its
series. An entry stays although the stream is no longer expected, the state is another one or cannot be read, so
that nothing is removed by that.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from tsmon.stores.query_types import Selector
from tsmon.stores.sqlite.catalogue import format_tags, parse_tags
from tsmon.stores.sqlite.rollups.layout import transaction

__all__ = ["TABLES", "KeptStreams", "keep_streams", "list_streams", "release_streams"]

TABLES: Final = (
    """CREATE TABLE streams (
        measurement TEXT NOT NULL,
        tags TEXT NOT NULL,
        PRIMARY KEY (measurement, tags)
    ) WITHOUT ROWID""",
)


class KeptStreams:
    """Finds out whether a series belongs to a stream."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._groups: dict[str, dict[tuple[str, ...], set[tuple[str, ...]]]] = {}
        for measurement, text in entries:
            tags = parse_tags(text)
            groups = self._groups.setdefault(measurement, {})
            groups.setdefault(tuple(tags), set()).add(tuple(tags.values()))

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "KeptStreams":
        """Read those of a file; a file of an older version has none."""
        return cls(_read(connection))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def have(self, measurement: str, tags: Mapping[str, str]) -> bool:
        """Whether a stream selects the series with these tags."""
        for keys, values in self._groups.get(measurement, {}).items():
            if not keys or tuple([tags.get(key, "") for key in keys]) in values:
                return True
        return False


def keep_streams(connection: sqlite3.Connection, selectors: Iterable[Selector]) -> int:
    """Note in the file what streams select; return how many were new. Writes nothing if none is."""
    wanted = {(one.measurement, format_tags(one.tags)) for one in selectors}
    new = wanted.difference(_read(connection))
    if new:
        with transaction(connection):
            connection.executemany("INSERT OR IGNORE INTO streams VALUES (?, ?)", sorted(new))
    return len(new)


def list_streams(connection: sqlite3.Connection) -> list[Selector]:
    """What is noted of streams; of the fields nothing is known, all are kept."""
    return [Selector(measurement, "", parse_tags(tags)) for measurement, tags in _read(connection)]


def release_streams(connection: sqlite3.Connection, selector: Selector) -> int:
    """Forget what is noted of streams with exactly this measurement and these tags; return how many there were."""
    with transaction(connection):
        return connection.execute(
            "DELETE FROM streams WHERE measurement = ? AND tags = ?",
            (selector.measurement, format_tags(selector.tags)),
        ).rowcount


def _read(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'streams'").fetchone():
        return []
    return connection.execute("SELECT measurement, tags FROM streams").fetchall()
