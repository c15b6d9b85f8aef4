"""SQLite files read page by page, without SQLite: what a damaged file still holds, and whose a file is."""

from tsmon.stores.sqlite.pages.page_file import MAGIC, PageFile
from tsmon.stores.sqlite.pages.trees import SchemaEntry, Trees, read_schema
from tsmon.stores.sqlite.pages.write_ahead_log import WriteAheadLog

__all__ = ["MAGIC", "PageFile", "SchemaEntry", "Trees", "WriteAheadLog", "read_schema"]
