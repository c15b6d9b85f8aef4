"""The description of a backup, ``manifest.json``: written last, and what each file in it must be."""

import hashlib
import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from tsmon.errors import BackupError
from tsmon.stores import ReportProgress

__all__ = ["MANIFEST", "PARTS", "BackedUpFile", "Manifest", "Part", "describe_file", "read_backup", "verify"]

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
CHUNK_BYTES: Final = 1024 * 1024

Part = Literal["points", "state", "spool", "settings"]
PARTS: Final[tuple[Part, ...]] = ("points", "state", "spool", "settings")
"""What a backup consists of; the settings are copied, but never restored by a program."""


class BackedUpFile(msgspec.Struct, frozen=True):
    """Size and SHA-256 of a file of the backup, and the part it belongs to."""

    part: Part
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup contains, of which host and program, and what it does not contain."""

    format: int = FORMAT
    created: str
    host: str
    version: str
    store: str
    parts: list[Part]
    files: dict[str, BackedUpFile]
    rows: dict[str, int]
    """Rows of each table of the state."""
    settings: dict[str, str]
    """Where the settings and the files that they name are."""
    variables: list[str]
    """Names of the environment variables that are settings, without their values."""
    advice: str
    """What else must be backed up; empty if nothing."""
    restore_advice: str
    """How that is restored."""

    def names_of(self, part: Part) -> list[str]:
        """Names of the files of a part."""
        return sorted(name for name, one in self.files.items() if one.part == part)


def describe_file(path: Path, part: Part) -> BackedUpFile:
    """Size and digest of a file, as it is read back from the disk."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return BackedUpFile(part, size, digest.hexdigest())


def read_backup(directory: Path) -> Manifest:
    """The description of a backup; raises :class:`~tsmon.errors.BackupError` if the directory is none."""
    path = directory / MANIFEST
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        what = "is not complete or no backup" if directory.is_dir() else "is not a directory"
        raise BackupError(
            f"{directory} {what}: there is no {MANIFEST}; name a directory of tsmon-agent backup"
        ) from None
    except OSError as error:
        raise BackupError(f"{path} cannot be read ({error.strerror}); check this user's access to it") from None
    try:
        found = msgspec.json.decode(content)
        number = found.get("format") if isinstance(found, dict) else None
        if isinstance(number, int) and number > FORMAT:
            raise BackupError(f"{directory} was made by a newer tsmon (format {number}); use that version")
        return msgspec.convert(found, Manifest)
    except (msgspec.MsgspecError, RecursionError):
        raise BackupError(f"{path} is damaged (it is no manifest of a backup); take another backup") from None


def verify(directory: Path, manifest: Manifest, report: ReportProgress) -> None:
    """Compare each file with its description; raises :class:`~tsmon.errors.BackupError` that names the first."""
    total = sum(one.bytes for one in manifest.files.values())
    done = 0
    for name, expected in sorted(manifest.files.items()):
        path = directory / name
        if Path(name).is_absolute() or ".." in Path(name).parts or path.is_symlink():
            raise BackupError(
                f"{directory / MANIFEST} names {name}, outside of the backup; do not trust this backup"
            )
        try:
            found = describe_file(path, expected.part)
        except OSError as error:
            raise BackupError(f"{path} cannot be read ({error.strerror}); take another backup") from None
        if found != expected:
            raise BackupError(
                f"{path} is not what was backed up ({found.bytes:,} bytes, {expected.bytes:,} expected, or other "
                "contents); take another backup"
            )
        done += expected.bytes
        report(f"verifying {name}", done, total)
