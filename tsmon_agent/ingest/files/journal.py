"""How far a file was imported, kept on disk, so that an import that broke off goes on where it was.

A file is recognised by its path, size, time of change and the hash of its beginning, together with the store and
the options; if any of them has changed, it begins anew. What is written twice changes nothing.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

from tsmon.errors import ImportingError

__all__ = ["Journal", "JournalEntry", "open_journal"]

BEGINNING: Final = 64 * 1024


class JournalEntry(msgspec.Struct):
    """What is done of a file; ``position`` and ``line`` are where its reader goes on."""

    identity: str
    path: str
    position: int = 0
    line: int = 1
    imported: int = 0
    put_aside: int = 0
    finished: bool = False


class Journal:
    """Progress of one file, in a file of its own; without a path nothing is kept."""

    def __init__(self, path: Path | None, entry: JournalEntry) -> None:
        self._path = path
        self.entry = entry

    def save(self) -> None:
        """Keep the progress; raises :class:`~tsmon.errors.ImportingError` where that is impossible."""
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self.entry))
            new.replace(self._path)
        except OSError as error:
            raise ImportingError(f"the journal {self._path} cannot be written: {error.strerror}") from None


def open_journal(file: Path, directory: Path, *, whole: str, restart: bool) -> Journal:
    """The journal of a file, with what is known of an earlier run; ``whole`` tells store and options."""
    status = file.stat()
    with file.open("rb") as opened:
        beginning = hashlib.sha256(opened.read(BEGINNING)).hexdigest()
    path = str(file.resolve())
    identity = hashlib.sha256(
        "\n".join((path, str(status.st_size), str(status.st_mtime_ns), beginning, whole)).encode()
    ).hexdigest()
    name = hashlib.sha256(f"{path}\n{whole}".encode()).hexdigest()[:32]
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImportingError(
            f"the directory {directory} for journals cannot be made: {os.strerror(error.errno or 0)}"
        ) from None
    kept = directory / f"{name}.json"
    entry = JournalEntry(identity, path)
    if not restart:
        try:
            known = msgspec.json.decode(kept.read_bytes(), type=JournalEntry)
        except (OSError, msgspec.DecodeError):
            known = entry
        if known.identity == identity:
            entry = known
    return Journal(kept, entry)
