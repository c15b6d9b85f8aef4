"""What a store puts into a backup, and how it comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["StagedPoints", "StoreCopy"]


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """Names of the copied files within the backup, and what the operator has to back up by other means.

    ``advice`` is empty if the files are all; else sentences about the backup, and ``restore_advice`` about the way
    back.
    """

    files: tuple[str, ...] = ()
    advice: str = ""
    restore_advice: str = ""


@dataclass(frozen=True, slots=True)
class StagedPoints:
    """Points of a backup, beside their target and verified; until ``close``, no other process writes the target.

    ``put_in_place`` exchanges them for what is there, and returns where that is now, if anything was there.
    ``undo`` exchanges them back. ``close`` removes what was not put in place, and must be called.
    """

    target: Path
    put_in_place: Callable[[], Path | None]
    undo: Callable[[], None]
    close: Callable[[], None]
