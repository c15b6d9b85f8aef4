"""A backup is made beside its place, verified, and then renamed: a directory with that name is complete."""

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tsmon.errors import BackupError
from tsmon.spool.ownership import sync_directory
from tsmon.stores.factory import store_from
from tsmon.stores.setup_change import ReportProgress, ignore_progress
from tsmon.stores.store_copy import StoreCopy
from tsmon_agent.backup.manifest import MANIFEST, PARTS, BackedUpFile, Manifest, Part, describe_file, read_backup
from tsmon_agent.backup.state_rows import dump_state
from tsmon_agent.backup.waiting_points import copy_spool
from tsmon_agent.backup.whereabouts import find_whereabouts, variable_names
from tsmon_agent.state import Database
from tsmon_agent.state.location import state_url

if TYPE_CHECKING:
    from tsmon_agent.settings import Settings

__all__ = ["STATE", "create_backup"]

STATE = "state.jsonl"
SETTINGS = "settings.toml"


def create_backup(
    settings: "Settings",
    settings_file: Path | None,
    directory: Path,
    *,
    parts: Sequence[Part] = PARTS,
    replace: bool = False,
    report: ReportProgress = ignore_progress,
) -> Manifest:
    """Back up everything that ``settings`` name, into a directory that does not exist; also while the agent runs.

    With ``replace``, it may be an earlier backup, which is removed when the new one is complete. Raises
    :class:`~tsmon.errors.TsmonError`, and then leaves nothing behind.
    """
    directory = directory.absolute()
    if directory.is_symlink():
        raise BackupError(f"{directory} is a symbolic link; name the directory itself")
    if directory.exists():
        if not replace:
            raise BackupError(f"{directory} exists; name a new directory, or give --replace to replace that backup")
        read_backup(directory)  # nothing else is ever replaced
    if not directory.parent.is_dir():
        raise BackupError(f"{directory.parent} is not a directory; create it, or name another place for the backup")
    part = directory.with_name(f"{directory.name}.incomplete-{os.getpid()}")
    with _translate_errors(part):
        part.mkdir(mode=0o700)
        try:
            manifest = _fill(part, settings, settings_file, parts, report)
            (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
            (part / MANIFEST).chmod(0o600)
            describe_file(part / MANIFEST, "settings")  # syncs it
            for path in [part, *(path for path in part.rglob("*") if path.is_dir())]:
                sync_directory(path)
            _put_in_place(part, directory)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return manifest


def _fill(
    part: Path, settings: "Settings", settings_file: Path | None, parts: Sequence[Part], report: ReportProgress
) -> Manifest:
    files: dict[str, BackedUpFile] = {}
    rows: dict[str, int] = {}
    store = store_from(settings.monitoring, embedded=True)
    copy = StoreCopy()

    def describe(names: Sequence[str], of: Part) -> None:
        for name in names:
            (part / name).chmod(0o600)
            files[name] = describe_file(part / name, of)

    # The spool first: what is sent from it meanwhile is in the points, if those are copied here.
    if "spool" in parts:
        describe(copy_spool(settings.monitoring, part), "spool")
    if "points" in parts:
        copy = store.back_up(part, report)
        describe(copy.files, "points")
    if "state" in parts:
        with contextlib.closing(Database(state_url(settings))) as database:
            rows = dump_state(database, part / STATE)
        if rows:
            describe([STATE], "state")
    if "settings" in parts and settings_file is not None:
        shutil.copyfile(settings_file, part / SETTINGS)
        describe([SETTINGS], "settings")
    from tsmon import __version__

    return Manifest(
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        host=socket.gethostname(),
        version=__version__,
        store=str(store),
        parts=list(parts),
        files=files,
        rows=rows,
        settings=find_whereabouts(settings, settings_file),
        variables=variable_names(),
        advice=copy.advice,
        restore_advice=copy.restore_advice,
    )


def _put_in_place(part: Path, directory: Path) -> None:
    """Rename the complete backup; an earlier one is removed after that."""
    old = directory.with_name(f"{directory.name}.replaced-{os.getpid()}")
    if directory.exists():
        directory.rename(old)
    try:
        part.rename(directory)
    except BaseException:
        if old.exists():
            old.rename(directory)
        raise
    sync_directory(directory.parent)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _translate_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or directory
        raise BackupError(
            f"the backup failed ({error.strerror or error}: {place}); nothing is left of it; "
            "check free space and this user's access"
        ) from None
