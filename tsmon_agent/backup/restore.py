"""A backup is verified and prepared as a whole, and then takes the place of what is there, or nothing changes."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tsmon.errors import BackupError
from tsmon.stores import ReportProgress, Store
from tsmon.stores.factory import store_from
from tsmon.stores.setup_change import ignore_progress
from tsmon.stores.store_copy import StagedPoints
from tsmon_agent.auth import current_user, record_audit
from tsmon_agent.backup.create import STATE, create_backup
from tsmon_agent.backup.manifest import PARTS, Manifest, Part, read_backup, verify
from tsmon_agent.backup.state_rows import StagedState, count_rows, stage_state
from tsmon_agent.backup.waiting_points import restore_spool
from tsmon_agent.state import Database
from tsmon_agent.state.location import state_url

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tsmon_agent.settings import Settings

__all__ = ["Restored", "restore_backup"]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: a sentence for each part, and where what it replaced is now."""

    manifest: Manifest
    done: tuple[str, ...]
    replaced: tuple[Path, ...]
    advice: str


def restore_backup(
    settings: "Settings",
    directory: Path,
    *,
    parts: Sequence[Part] = PARTS,
    replace: bool = False,
    dry_run: bool = False,
    report: ReportProgress = ignore_progress,
) -> Restored:
    """Restore a backup to the places that ``settings`` name, which may be others than those it was made of.

    Raises :class:`~tsmon.errors.TsmonError` if the backup is damaged, if something is there already, unless
    ``replace``, or if a process writes the points; then nothing has changed. What is replaced is kept: the
    file of the points under another name, and the state as a backup of its own. With ``dry_run`` all is verified
    and prepared, and nothing changed.
    """
    directory = directory.absolute()
    manifest = read_backup(directory)
    verify(directory, manifest, report)
    advice = manifest.restore_advice if "points" in parts else ""
    parts = [part for part in parts if manifest.names_of(part)]
    store = store_from(settings.monitoring, embedded=True)
    with contextlib.ExitStack() as stack:
        points = _stage_points(store, directory, replace=replace) if "points" in parts else None
        if points is not None:
            stack.callback(points.close)
        state = stack.enter_context(stage_state(directory / STATE)) if "state" in parts else None
        database = stack.enter_context(contextlib.closing(Database(state_url(settings))))
        there = count_rows(database) if state is not None else {}
        if there and not replace:
            what = ", ".join(f"{name}: {rows}" for name, rows in there.items())
            raise BackupError(
                f"the state in {database} has rows already ({what}); with --replace they are backed up, and the "
                "state of the backup takes their place"
            )
        done = _describe(manifest, points, state, database)
        if dry_run:
            if "spool" in parts:
                done.append(f"spool: {len(manifest.names_of('spool'))} files, as far as they do not wait already")
            return Restored(manifest, tuple(done), (), advice)
        replaced = _save_state(settings, directory) if there else []
        with _translate_errors():
            replaced += _put_in_place(directory, points, state, database)
        if "spool" in parts:
            done.append(_restore_spool(settings, directory, done, replaced))
    return Restored(manifest, tuple(done), tuple(replaced), advice)


def _stage_points(store: Store, directory: Path, *, replace: bool) -> StagedPoints:
    staged = store.stage_restore(directory, replace=replace)
    if staged is None:
        raise BackupError(
            f"the backup contains the file of an embedded store, and the settings name {store}; restore the rest "
            "with --only state --only spool, or let the settings name the embedded store"
        )
    return staged


def _put_in_place(
    directory: Path, points: StagedPoints | None, state: StagedState | None, database: Database
) -> list[Path]:
    """Exchange state and points in one transaction of the state: if either fails, both stay."""
    aside: list[Path] = []

    def put_points() -> None:
        if points is not None and (old := points.put_in_place()) is not None:
            aside.append(old)

    def put_both(session: "Session") -> None:
        if state is not None:
            state.put(session)
            record_audit(session, current_user(), "restore", str(directory), detail={"rows": state.rows})
        put_points()

    try:
        if state is None:
            put_points()
        else:
            database.run(put_both)
    except BaseException:
        if points is not None:
            points.undo()
        raise
    return aside


def _restore_spool(settings: "Settings", directory: Path, done: Sequence[str], replaced: Sequence[Path]) -> str:
    """Restore what waits, last; if it fails, say what is restored already."""
    try:
        queues, letters = restore_spool(settings.monitoring, directory)
    except OSError as error:
        kept = f" (what was there before is kept in {', '.join(map(str, replaced))})" if replaced else ""
        before = f"restored {'; '.join(done)}{kept}; but " if done else ""
        raise BackupError(
            f"{before}the spool could not be restored ({error.strerror or error}: {error.filename}); check free "
            f"space and this user's access, then run tsmon-agent restore {directory} --only spool"
        ) from None
    return (
        f"spool: {queues} queues, which programs send from their next start on, and {letters} files of dead letters"
    )


def _save_state(settings: "Settings", directory: Path) -> list[Path]:
    """Back up the state that will be replaced, beside the backup."""
    saved = directory.with_name(f"{directory.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    create_backup(settings, None, saved, parts=["state"])
    return [saved]


def _describe(
    manifest: Manifest, points: StagedPoints | None, state: StagedState | None, database: Database
) -> list[str]:
    done = []
    if points is not None:
        size = sum(manifest.files[name].bytes for name in manifest.names_of("points"))
        done.append(f"points: {size:,} bytes to {points.target}")
    if state is not None:
        rows = ", ".join(f"{name} {number}" for name, number in state.rows.items() if number) or "no rows"
        done.append(f"state: {rows}, to {database}")
    return done


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"the restore failed ({error.strerror or error}: {error.filename}); "
            "check free space and this user's access"
        ) from None
