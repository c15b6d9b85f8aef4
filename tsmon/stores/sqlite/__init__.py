"""The embedded store: one SQLite file, nothing else to install."""

from tsmon.stores.sqlite.maintenance import FileSize, backup, check, measure
from tsmon.stores.sqlite.manual_recovery import recover
from tsmon.stores.sqlite.store import SqliteStore

__all__ = ["FileSize", "SqliteStore", "backup", "check", "measure", "recover"]
