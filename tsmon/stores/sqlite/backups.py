"""The file and the lines that wait beside it, in a backup and back."""

import contextlib
import os
import shutil
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError
from tsmon.spool.ownership import make_directory, sync_directory
from tsmon.stores.setup_change import ReportProgress
from tsmon.stores.sqlite.file_mark import check_companions, check_mark
from tsmon.stores.sqlite.handover import HandOver
from tsmon.stores.sqlite.maintenance import backup, check
from tsmon.stores.sqlite.sqlite_errors import translate_errors
from tsmon.stores.sqlite.writer_lock import WriterLock
from tsmon.stores.store_copy import StagedPoints, StoreCopy

__all__ = ["POINTS", "back_up", "stage"]

POINTS: Final = "points.db"
"""Name of the file's copy in a backup."""

WAITING: Final = "handover"
"""Directory of the segments that other processes had handed over, and that were not yet in the file."""

_LOGS: Final = ("-wal", "-shm", "-journal")


def back_up(path: Path, directory: Path, report: ReportProgress) -> StoreCopy:
    """Copy the file as it is at one moment, and what waits for it; also while it is written.

    Raises :class:`~tsmon.errors.StoreError`, for a damaged copy too.
    """
    files = []
    # First, because what the owner stores and deletes meanwhile is in the file's copy then.
    for segment in sorted(HandOver(path).directory.glob("*.seg")):
        target = directory / WAITING / segment.name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(segment, target)
            files.append(f"{WAITING}/{segment.name}")
    backup(path, directory / POINTS, report=lambda done, total: report(path.name, done, total))
    findings = check(directory / POINTS)
    if findings:
        raise StoreError(
            f"the copy of {path} is damaged, as the file is: {'; '.join(findings[:3])}; "
            "repair the file first (tsmon-agent db check)"
        )
    return StoreCopy((POINTS, *files))


def stage(path: Path, directory: Path, *, replace: bool) -> StagedPoints:
    """Copy a backup's points beside ``path``, and lock that; see :class:`StagedPoints`.

    Raises :class:`~tsmon.errors.StoreError` if a process writes ``path``, if another program made it, and if it
    exists, unless ``replace``.
    """
    copy = directory / POINTS
    findings = check(copy)
    if findings:
        raise StoreError(f"{copy} is damaged: {'; '.join(findings[:3])}; take another backup")
    with translate_errors(path):
        check_mark(path)
        check_companions(path)
    is_new_directory = not path.parent.exists()
    with translate_errors(path):
        make_directory(path.parent)
        lock = WriterLock(path)
        lock.acquire()
    # A link stays; the lock and the lines of other processes are beside it, the file and its log are not.
    named, path = path, path.resolve()
    staged = path.with_name(f"{path.name}.restoring-{os.getpid()}")
    moved: list[tuple[Path, Path]] = []
    handed: list[Path] = []

    def close() -> None:
        staged.unlink(missing_ok=True)
        lock.release()
        if is_new_directory and not path.exists():
            with contextlib.suppress(OSError):
                Path(f"{named}.lock").unlink()
                named.parent.rmdir()

    def put_in_place() -> Path | None:
        aside = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        with translate_errors(path):
            _empty_log(path)
            for suffix in ("", *_LOGS):
                old = Path(f"{path}{suffix}")
                if old.exists():
                    new = Path(f"{aside}{suffix}")
                    old.rename(new)
                    moved.append((old, new))
            staged.rename(path)
            _put_waiting_lines(named, directory / WAITING, handed)
            sync_directory(path.parent)
        return aside if moved else None

    def undo() -> None:
        if not staged.exists() and path.exists():
            path.rename(staged)
        for old, new in moved:
            new.rename(old)
        moved.clear()
        for one in handed:
            one.unlink(missing_ok=True)
        if handed:
            HandOver(named).remove_if_empty()

    try:
        if path.exists() and path.stat().st_size and not replace:
            raise StoreError(
                f"{path} exists; with --replace it is renamed, and the points of the backup take its place"
            )
        with translate_errors(staged):
            _copy_durably(copy, staged)
    except BaseException:
        close()
        raise
    return StagedPoints(named, put_in_place, undo, close)


def _copy_durably(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as written:
        target.chmod(0o600)
        shutil.copyfileobj(read, written, 1024 * 1024)
        written.flush()
        os.fsync(written.fileno())


def _empty_log(path: Path) -> None:
    """Move a write-ahead log into its file, so that the file alone is complete; a damaged file stays as it is."""
    if not Path(f"{path}-wal").exists():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=1)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _put_waiting_lines(path: Path, waiting: Path, handed: list[Path]) -> None:
    """Hand over the segments that waited; the next process that opens the file stores them.

    ``handed`` gets every file of this, also if it fails.
    """
    target = HandOver(path).directory
    for number, segment in enumerate(sorted(waiting.glob("*.seg"))):
        make_directory(target)
        name = f"{time.time_ns():020d}-{os.getpid()}-{number}"
        part, complete = target / f"{name}.part", target / f"{name}.seg"
        handed += [part, complete]
        _copy_durably(segment, part)
        part.rename(complete)
