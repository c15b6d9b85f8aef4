"""Whose a SQLite file is: the state's tables are created in a new file only, never in another program's."""

from pathlib import Path

from tsmon.errors import StateError
from tsmon.stores.sqlite.file_mark import APPLICATION_ID, find_tables, is_held
from tsmon.stores.sqlite.pages import MAGIC
from tsmon_agent.state.schema_versions import VERSION_TABLE

__all__ = ["check_state_file"]


def check_state_file(file: Path) -> None:
    """Raise :class:`~tsmon.errors.StateError` if the file was not made for the state; changes nothing.

    A missing or empty file and a database without tables are accepted. Raises OSError.
    """
    if not file.exists() or file.is_dir() or is_held(file):
        return
    if not file.is_file():
        raise StateError(f"{file} is no regular file; set state.url to another path")
    with file.open("rb") as opened:
        header = opened.read(100)
    if not header:
        return
    if not header.startswith(MAGIC):
        raise StateError(
            f"{file} was not made by tsmon: file is not a database; it is left as it is; set state.url to another "
            "file (if it was the state before it was damaged, replace it by a copy)"
        )
    if int.from_bytes(header[68:72]) == APPLICATION_ID:
        raise StateError(f"{file} is a file of the embedded store, with points; set state.url to another file")
    tables = find_tables(file)
    if tables and VERSION_TABLE not in tables:
        raise StateError(f"{file} is an SQLite file of another program; set state.url to another file")
