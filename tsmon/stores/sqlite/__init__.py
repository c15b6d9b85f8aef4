"""The embedded store: one SQLite file, nothing else to install."""

from tsmon.stores.sqlite.store import SqliteStore
from tsmon.stores.sqlite.upkeep import FileSize, backup, check, measure

__all__ = ["FileSize", "SqliteStore", "backup", "check", "measure"]
