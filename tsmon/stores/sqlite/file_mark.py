"""Whose a file is, found out without SQLite: only what carries tsmon's mark is ever written, renamed or replaced.

The mark is the application id in the header of the file, or in the header that its write-ahead log holds. Where the
header is overwritten, the first page still is a page of SQLite's that defines tsmon's catalogue.
"""

import stat
from collections import Counter
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError
from tsmon.stores.sqlite.pages import MAGIC, PageFile, Trees, WriteAheadLog, read_schema

__all__ = [
    "APPLICATION_ID",
    "ForeignFileError",
    "Identity",
    "check_companions",
    "check_mark",
    "file_identity",
    "find_tables",
    "hold",
    "is_held",
    "is_log_of_ours",
    "let_go",
]

APPLICATION_ID: Final = int.from_bytes(b"tsmn")
"""Identifies the file as tsmon's, in its header."""

HEADER_BYTES: Final = 100

TREE_PAGES: Final = (0x05, 0x0D)
"""First byte of a page of the schema."""

JOURNAL_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")

CATALOGUE: Final = {"measurements", "fields", "series"}

Identity = tuple[int, int]
"""Device and inode of a file."""

_held: "Final[Counter[Identity]]" = Counter()


class ForeignFileError(StoreError):
    """The file was not made by tsmon, so it is left as it is."""


def hold(identity: Identity | None) -> None:
    """Remember that this process has opened a file, which was recognised before, through SQLite.

    Closing it after having read it in another way would release SQLite's locks.
    """
    if identity is not None:
        _held[identity] += 1


def let_go(identity: Identity | None) -> None:
    """The opposite of :func:`hold`."""
    if identity is not None and _held[identity]:
        _held[identity] -= 1
        if not _held[identity]:
            del _held[identity]


def is_held(path: Path) -> bool:
    """Whether this process has the file open."""
    return file_identity(path) in _held


def file_identity(path: Path) -> Identity | None:
    """Device and inode of what is at ``path`` now; None if nothing is."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def check_mark(path: Path, *, also_held: bool = False) -> None:
    """Raise :class:`ForeignFileError` if there is something at ``path`` that tsmon did not make; changes nothing.

    A missing or empty file and a database without any content are accepted, and what this process has open, unless
    ``also_held``; then it must be closed at once.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(status.st_mode) or (not also_held and (status.st_dev, status.st_ino) in _held):
        return
    if not stat.S_ISREG(status.st_mode):
        raise ForeignFileError(f"{path} is no regular file; name another path")
    if not status.st_size:
        return
    with path.open("rb") as file:
        first = file.read(HEADER_BYTES + 1)
    if first.startswith(MAGIC) and len(first) >= HEADER_BYTES:
        if int.from_bytes(first[68:72]) != APPLICATION_ID:
            _check_unmarked(path)
    elif not _defines_catalogue(path, first):
        raise ForeignFileError(
            f"{path} was not made by tsmon: file is not a database; it is left as it is; name another file (if it "
            "was tsmon's before it was damaged, tsmon-agent db recover reads what is left of it)"
        )


def check_companions(path: Path) -> None:
    """Raise :class:`ForeignFileError` if what SQLite would delete when it creates ``path`` is not tsmon's."""
    if path.exists() and path.stat().st_size:
        return
    for suffix in ("-wal", "-journal"):
        companion = Path(f"{path}{suffix}")
        try:
            is_ours = is_log_of_ours if suffix == "-wal" else _is_journal
            is_foreign = companion.stat().st_size > 0 and not is_ours(companion)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if is_foreign:
            raise ForeignFileError(
                f"{companion} was not made by tsmon, and SQLite would delete it when it creates {path}; "
                "move it away, or name another file"
            )


def is_log_of_ours(path: Path) -> bool:
    """Whether a write-ahead log contains the header of a file of tsmon's, or is beside the lock of one."""
    log = WriteAheadLog.read(path)
    if log is None:
        return False
    if 1 not in log.offsets:
        return not log.offsets or Path(f"{str(path).removesuffix('-wal')}.lock").exists()
    with path.open("rb") as file:
        file.seek(log.offsets[1] + 68)
        return int.from_bytes(file.read(4)) == APPLICATION_ID


def find_tables(path: Path) -> set[str]:
    """Names of the tables in an SQLite file, those in its log included."""
    with PageFile(path) as file:
        return {entry.name for entry in read_schema(Trees(file), carve=False) if entry.type == "table"}


def _is_journal(path: Path) -> bool:
    """Whether this is what SQLite writes while it creates a file, in another process or in one that was killed."""
    with path.open("rb") as file:
        return file.read(len(JOURNAL_MAGIC)) in (JOURNAL_MAGIC, bytes(len(JOURNAL_MAGIC)))


def _check_unmarked(path: Path) -> None:
    """Accept a file whose mark is in the log, and a database without content."""
    with PageFile(path) as file:
        is_ours = file.application_id == APPLICATION_ID
        is_new = not (file.application_id or file.version or read_schema(Trees(file), carve=False))
    if not is_ours and not is_new:
        raise ForeignFileError(f"{path} is an SQLite file of another program; name another file")


def _defines_catalogue(path: Path, first: bytes) -> bool:
    """Whether the first page, whose header is overwritten, is a page of a tree with tsmon's catalogue in it."""
    if len(first) <= HEADER_BYTES or first[HEADER_BYTES] not in TREE_PAGES or first.startswith(MAGIC):
        return False
    return find_tables(path) >= CATALOGUE
