"""Whether a file that is not open could be written, found out without changing anything.

Opening for writing would create a missing file, upgrade an old one, quarantine a damaged one, and leave a log. Even
a read-only connection creates files beside a database in WAL mode. Therefore the file is read as immutable, unless
a log shows that its last writer was killed: then only the log completes it, and its header alone is checked.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

from tsmon.errors import StoreUnavailableError
from tsmon.stores.sqlite.file_location import check_creatable
from tsmon.stores.sqlite.file_mark import check_companions, check_mark, is_held
from tsmon.stores.sqlite.pages import PageFile
from tsmon.stores.sqlite.schema import check_newness, is_new
from tsmon.stores.sqlite.sqlite_errors import translate_errors
from tsmon.stores.sqlite.writer_lock import find_owner

__all__ = ["check_unopened"]


def check_unopened(path: Path) -> str | None:
    """Raise :class:`~tsmon.errors.StoreError` unless ``path`` can be written; return what else there is to say."""
    with translate_errors(path):
        check_mark(path)
        check_companions(path)
        if not path.exists():
            check_creatable(path)
            return "does not exist yet and can be created"
        owner = find_owner(path)
        for place in (path, path.parent):
            if not os.access(place, os.W_OK):
                raise StoreUnavailableError(
                    f"{place} is not writable; give this user write access, or name another path"
                )
        log = Path(f"{path}-wal")
        if owner is not None or (log.exists() and log.stat().st_size):
            if not is_held(path):
                with PageFile(path) as file:
                    check_newness(path, file.version)
            return None if owner is None else f"is being written by {owner}, which takes the points of others over"
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            is_new(connection, path)
    return None
