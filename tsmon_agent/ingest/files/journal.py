"""How far each file was imported, kept on disk, so that an interrupted import resumes where it stopped.

A file is recognised by its path, size, modification time and the hash of its beginning, together with the store and
the options. If any of them has changed, the import starts over, which is harmless, since writing is idempotent.
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
    """How far a file was imported; its reader resumes at ``position`` and ``line``."""

    identity: str
    path: str
    position: int = 0
    line: int = 1
    imported: int = 0
    rejected: int = msgspec.field(default=0, name="put_aside")
    finished: bool = False


class Journal:
    """The entry of one file, stored in a file of its own; without a path nothing is stored."""

    def __init__(self, path: Path | None, entry: JournalEntry) -> None:
        self._path = path
        self.entry = entry

    def save(self) -> None:
        """Store the entry; raises :class:`~tsmon.errors.ImportingError` if that is impossible."""
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self.entry))
            new.replace(self._path)
        except OSError as error:
            raise ImportingError(f"the journal {self._path} cannot be written: {error.strerror}") from None


def open_journal(file: Path, directory: Path, *, target: str, restart: bool) -> Journal:
    """The journal of a file, with the entry of an earlier run; ``target`` names the store and the options."""
    status = file.stat()
    with file.open("rb") as stream:
        beginning = hashlib.sha256(stream.read(BEGINNING)).hexdigest()
    path = str(file.resolve())
    identity = hashlib.sha256(
        "\n".join((path, str(status.st_size), str(status.st_mtime_ns), beginning, target)).encode(
            errors="surrogateescape"
        )
    ).hexdigest()
    name = hashlib.sha256(f"{path}\n{target}".encode(errors="surrogateescape")).hexdigest()[:32]
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImportingError(
            f"the directory {directory} for journals cannot be created: {os.strerror(error.errno or 0)}"
        ) from None
    kept = directory / f"{name}.json"
    entry = JournalEntry(identity, path.encode(errors="backslashreplace").decode())
    if not restart:
        try:
            known = msgspec.json.decode(kept.read_bytes(), type=JournalEntry)
        except (OSError, msgspec.DecodeError):
            known = entry
        if known.identity == identity:
            entry = known
    return Journal(kept, entry)
