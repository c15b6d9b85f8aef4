"""Recovery by command, while no other process writes the store's file."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores.setup_change import ReportProgress, ignore_progress
from tsmon.stores.sqlite.database import Database
from tsmon.stores.sqlite.file_mark import APPLICATION_ID, ForeignFileError
from tsmon.stores.sqlite.maintenance import check
from tsmon.stores.sqlite.pages import MAGIC
from tsmon.stores.sqlite.quarantine import quarantine
from tsmon.stores.sqlite.recovery import Recovery, marker_of
from tsmon.stores.sqlite.sqlite_errors import translate_errors
from tsmon.stores.sqlite.writer_lock import WriterLock, find_owner

__all__ = ["recover"]

_quarantined: Final = re.compile(r"\.damaged-\d{8}T\d{6}\.\d{6}Z")


def recover(
    path: Path,
    sources: Sequence[Path] = (),
    *,
    report: ReportProgress = ignore_progress,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Add to the store's file ``path`` what can be read of damaged files, and ``say`` what that was.

    ``path`` itself is renamed before if it is damaged. Without ``sources``, everything that was quarantined beside
    it is recovered. What the file has already stays; nothing is deleted. Raises :class:`~tsmon.errors.StoreError`.
    """
    chosen = [_check_source(path, source) for source in sources]
    is_itself = not sources or any(one.resolve() == path.resolve() for one in chosen)
    with translate_errors(path):
        renamed = _set_aside(path, say) if is_itself else []
    chosen = [one for one in chosen if one.resolve() != path.resolve()] + renamed
    if not sources:
        chosen = sorted({*renamed, *_find_quarantined(path)})
    if not chosen:
        raise StoreError(f"{path} is intact, and there is no damaged file beside it; name the file to recover")
    database = Database(path, read_only=False)
    database.open()
    try:
        for source in chosen:
            say(_recover_one(database, source, report))
        while database.refresh():
            pass
    finally:
        database.close()


def _recover_one(database: Database, source: Path, report: ReportProgress) -> str:
    with translate_errors(source):
        recovery = Recovery(source)
    try:
        while database.change(recovery.step):
            report(source.name, recovery.position, recovery.pages)
        if not recovery.has_found_tables:
            raise ForeignFileError(f"{source} has nothing that tsmon could read; is it the right file?")
    finally:
        recovery.close()
    marker_of(source).unlink(missing_ok=True)
    return recovery.describe()


def _check_source(path: Path, source: Path) -> Path:
    """The file, if it may be read; its header may be overwritten, but not be another program's."""
    with translate_errors(source):
        if not source.is_file():
            raise StoreUnavailableError(f"{source} is no file that could be read; check the path")
        owner = None if source.resolve() == path.resolve() else find_owner(source)
        if owner is not None:
            raise StoreUnavailableError(f"{source} is being written by {owner}; stop it first")
        with source.open("rb") as file:
            header = file.read(100)
    if header.startswith(MAGIC) and int.from_bytes(header[68:72]) not in (0, APPLICATION_ID):
        raise ForeignFileError(f"{source} is an SQLite file of another program; name another file")
    return source


def _set_aside(path: Path, say: Callable[[str], None]) -> list[Path]:
    """Rename the store's file if it is damaged."""
    if not path.exists() or not path.stat().st_size:
        return []
    lock = WriterLock(path)
    lock.acquire()
    try:
        findings = check(path)
        if not findings:
            return []
        target = quarantine(path)
    finally:
        lock.release()
    say(f"{path} is damaged ({findings[0]}); it was renamed to {target}")
    return [target]


def _find_quarantined(path: Path) -> Iterator[Path]:
    for one in path.parent.glob(f"{path.name}.damaged-*"):
        if _quarantined.fullmatch(one.name.removeprefix(path.name)):
            yield one
