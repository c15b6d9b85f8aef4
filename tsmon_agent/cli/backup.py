"""The commands ``tsmon-agent backup`` and ``tsmon-agent restore``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import say
from tsmon.errors import BackupError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile
from tsmon_agent.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsmon_agent.backup import Manifest, Part

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="PART", help="Only points, state, spool or settings; may be repeated."),
]


@app.command()
def backup(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of the backup; it must not exist yet.")
    ],
    only: Only = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the backup in DIR when the new one is complete.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Back up everything, also while the agent runs: points, state, spool, settings.

    Points are the embedded store's file. The state are streams, deployments, tokens and the audit, of SQLite and
    PostgreSQL alike. The spool has points that wait for a server, and dead letters. The settings file is copied;
    files that it names, such as certificates, are listed. Points in InfluxDB are not part of the backup; the
    command for them is printed. The backup is read back and checked, and has its name only when it is complete. It
    contains secrets, so only this user may read it.
    """
    from tsmon_agent.backup import create_backup, find_settings_file
    from tsmon_agent.settings import load_settings

    parts = _parse_parts(only)
    loaded = load_settings(settings)
    with progress_bar() as report:
        manifest = create_backup(
            loaded, find_settings_file(settings), directory, parts=parts, replace=replace, report=report
        )
    for line in _describe(manifest):
        say(line)
    say(f"{directory}: complete and verified, {sum(one.bytes for one in manifest.files.values()):,} bytes")


@app.command()
def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a backup.")],
    only: Only = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace points and state that are there; both are kept, and it is printed where."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Verify the backup, print what would be restored, and change nothing.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Restore a backup to where the settings want points and state, on any machine. Stop the agent first.

    The backup is verified before anything changes. Where points or a state exist, nothing is restored without
    --replace. SQLite and PostgreSQL take each other's state. The settings stay as they are; the backup contains a
    copy. Points in InfluxDB are restored by the command that is printed.
    """
    from tsmon_agent.backup import restore_backup
    from tsmon_agent.settings import load_settings

    parts = _parse_parts(only)
    loaded = load_settings(settings)
    with progress_bar() as report:
        restored = restore_backup(loaded, directory, parts=parts, replace=replace, dry_run=dry_run, report=report)
    found = restored.manifest
    say(f"{directory}: intact, of {found.host}, {found.created}, tsmon {found.version}")
    for line in restored.done:
        say(f"would restore {line}" if dry_run else f"restored {line}")
    for path in restored.replaced:
        say(f"what was there before is kept in {path}")
    if restored.advice:
        say(f"not restored: {restored.advice}")


def _parse_parts(only: "Sequence[str] | None") -> "Sequence[Part]":
    from tsmon_agent.backup import PARTS

    for name in only or ():
        if name not in PARTS:
            raise BackupError(f"--only {name}: there are {', '.join(PARTS)}")
    return [part for part in PARTS if not only or part in only]


def _describe(manifest: "Manifest") -> list[str]:
    lines = []
    for part in manifest.parts:
        names = manifest.names_of(part)
        size = sum(manifest.files[name].bytes for name in names)
        if part == "state":
            rows = ", ".join(f"{name} {number:,}" for name, number in manifest.rows.items() if number)
            lines.append(f"state: {rows or 'no rows'}")
        elif part == "settings":
            where = manifest.settings.get("file")
            lines.append(f"settings: a copy of {where}" if where else "settings: there is no settings file")
            lines += [f"settings: {key} {path} (not copied)" for key, path in _files_elsewhere(manifest)]
            if manifest.variables:
                lines.append(f"settings: variables {', '.join(manifest.variables)} (not copied)")
        elif names:
            lines.append(f"{part}: {size:,} bytes in {len(names)} file{'s' * (len(names) != 1)}")
        elif part == "spool":
            lines.append("spool: nothing waits")
    if manifest.advice:
        lines.append(f"NOT INCLUDED: {manifest.advice}")
    return lines


def _files_elsewhere(manifest: "Manifest") -> list[tuple[str, str]]:
    """Files that the settings name and that the backup does not contain, such as certificates and tokens."""
    known = {"file", "state.url", "monitoring.file", "monitoring.spool_directory"}
    return [(key, path) for key, path in manifest.settings.items() if key not in known]
