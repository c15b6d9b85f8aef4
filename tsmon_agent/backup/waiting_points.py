"""What waits in the spool for a server, and the dead letters, in a backup and back.

Points that a server has stored meanwhile are sent again after a restore, which changes nothing: times and tags are
part of the points.
"""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

from tsmon.delivery.paths import spool_directory
from tsmon.settings import MonitoringSettings
from tsmon.spool.ownership import QueueDirectory, make_directory, sync_directory

__all__ = ["copy_spool", "restore_spool"]

SPOOL: Final = "spool"
DEAD_LETTERS: Final = "dead_letters"


def copy_spool(settings: MonitoringSettings, directory: Path) -> list[str]:
    """Copy queues and dead letters into a backup; return the names of the files. Raises OSError.

    Queues may be written and sent meanwhile: what has just been sent is left out, and the torn end of a segment is
    cut by whoever reads it.
    """
    root = spool_directory(settings)
    if root is None:
        return []
    names = []
    for source in sorted([*root.glob("*/*/*.seg"), *root.glob(f"{DEAD_LETTERS}/*.jsonl*")]):
        name = f"{SPOOL}/{source.relative_to(root).as_posix()}"
        target = directory / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(source, target)
            names.append(name)
    return names


def restore_spool(settings: MonitoringSettings, directory: Path) -> tuple[int, int]:
    """Put queues and dead letters of a backup into the spool; return how many of each. Raises OSError.

    Nothing is overwritten: queues get new names, and what is there already stays and is not counted.
    """
    root = spool_directory(settings)
    saved = directory / SPOOL
    if root is None or not saved.is_dir():
        return 0, 0
    queues = 0
    for queue in sorted({path.parent for path in saved.glob("*/*/*.seg")}):
        destination = root / queue.parent.name
        segments = [one for one in sorted(queue.glob("*.seg")) if not _waits_already(one, destination)]
        if not segments:
            continue
        queues += 1
        make_directory(destination)
        restored = QueueDirectory.create(destination)
        try:
            for segment in segments:
                _copy_durably(segment, restored.path / segment.name)
            sync_directory(restored.path)
        finally:
            restored.release()
    letters = sorted((saved / DEAD_LETTERS).glob("*"))
    return queues, sum(_restore_letters(letter, root / DEAD_LETTERS) for letter in letters)


def _waits_already(segment: Path, destination: Path) -> bool:
    """Whether a queue still has the segment, as on the machine that it was copied from."""
    content = segment.read_bytes()
    for one in destination.glob(f"*/{segment.name}"):
        with contextlib.suppress(FileNotFoundError):
            if one.read_bytes() == content:
                return True
    return False


def _restore_letters(letter: Path, target: Path) -> bool:
    make_directory(target)
    place = target / letter.name
    if place.exists():
        if place.read_bytes() == letter.read_bytes():
            return False
        place = target / f"{letter.name}.restored"
        if place.exists():
            return False
    _copy_durably(letter, place)
    sync_directory(target)
    return True


def _copy_durably(source: Path, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    with source.open("rb") as read, part.open("wb") as written:
        part.chmod(0o600)
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())
    part.rename(target)
