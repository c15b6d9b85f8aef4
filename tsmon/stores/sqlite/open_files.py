"""The file, log and index that this process has open, compared with what is at their paths now.

Without this, a process whose file is deleted would write into it, unseen, until it ends. SQLite finds the log and
the index by their names, and would apply those of the old file to the new one, or delete the new one's.
"""

import contextlib
import ctypes
import sqlite3
from pathlib import Path
from typing import Any, Final

from tsmon.stores.sqlite.file_mark import Identity, file_identity, hold, let_go
from tsmon.stores.sqlite.quarantine import set_log_aside

__all__ = ["OpenFiles"]

SUFFIXES: Final = ("", "-wal", "-shm")
WAIT_MS: Final = 100
"""How long to wait for the end of other processes' queries."""


class OpenFiles:
    """Devices and inodes of the file at ``path`` and its companions, since :meth:`note`.

    ``contents`` says what is in the file, for messages.
    """

    def __init__(self, path: Path, contents: str) -> None:
        self._path = path
        self._contents = contents
        self._noted: dict[str, Identity | None] = {}

    @property
    def is_in_place(self) -> bool:
        """Whether the paths still name what was noted; True if nothing was."""
        return all(file_identity(Path(f"{self._path}{suffix}")) == was for suffix, was in self._noted.items())

    def note(self) -> None:
        """The files at the paths are open now."""
        self.forget()
        self._noted = {suffix: file_identity(Path(f"{self._path}{suffix}")) for suffix in SUFFIXES}
        hold(self._noted[""])

    def forget(self) -> None:
        """They are closed."""
        let_go(self._noted.get(""))
        self._noted = {}

    def describe_change(self) -> str | None:
        """Describe what happened to the files, as a sentence; None if nothing did."""
        if self.is_in_place:
            return None
        now = file_identity(self._path)
        if now is None:
            return (
                f"{self._path} was deleted or moved while it was in use; a new file is started, which has none of "
                f"the {self._contents} from before"
            )
        if now != self._noted[""]:
            return f"{self._path} was replaced while it was in use; the file that is there now is used"
        return (
            f"the log of {self._path} was deleted or replaced while it was in use; "
            f"its {self._contents} are in the file now"
        )

    def abandon(
        self, writer: sqlite3.Connection | None, reader: sqlite3.Connection | None, *, save: bool = True
    ) -> bool:
        """Close the connections to the old files without touching new ones; False if that must wait.

        With ``save`` the log is first copied into the file, wherever that is now; while the file is in place this
        may have to wait for the queries of other processes.
        """
        if writer is not None and save:
            is_saved = _save_log(writer)
            if not is_saved and file_identity(self._path) == self._noted[""]:
                return False
        # The last connection to be closed deletes the log by its name, unless it cannot write.
        _close(writer, reader)
        for suffix, was in self._noted.items():
            path = Path(f"{self._path}{suffix}")
            if suffix and was is not None and file_identity(path) == was:
                with contextlib.suppress(OSError):
                    if suffix == "-wal" and path.stat().st_size:
                        set_log_aside(self._path)
                    else:
                        path.unlink()
        self.forget()
        return True


def _save_log(writer: sqlite3.Connection) -> bool:
    """Copy the log into the file, wherever both are now, and empty it; return whether all of it was copied."""
    try:
        writer.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        return not writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        return False


def _close(writer: sqlite3.Connection | None, reader: sqlite3.Connection | None) -> None:
    if writer is not None:
        configured: Any = writer
        if hasattr(writer, "setconfig"):  # since Python 3.12
            configured.setconfig(getattr(sqlite3, "SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE", 1006), True)
        elif reader is None:
            # It stays open for the life of the process, and so does the space of the deleted file.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
            return
        with contextlib.suppress(sqlite3.Error):
            writer.close()
    if reader is not None:
        with contextlib.suppress(sqlite3.Error):
            reader.close()
