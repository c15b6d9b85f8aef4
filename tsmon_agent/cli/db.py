"""The commands ``tsmon-agent db …``: the embedded store's file, also while the agent runs."""

from pathlib import Path
from typing import Annotated

import typer

from tsmon.cli.terminal import say
from tsmon.errors import StoreError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile
from tsmon_agent.cli.progress_bar import progress_bar

db = typer.Typer(
    help="Check, measure, back up and recover the file of the embedded store, also while an agent writes it.",
    no_args_is_help=True,
)
app.add_typer(db, name="db")

File = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="This file instead of the one in the settings."),
]


@db.command()
def check(file: File = None, settings: SettingsFile = None) -> None:
    """Read the whole file and report whether it is intact; exit with 1 if it is damaged."""
    from tsmon.stores.sqlite import check as find_damage

    path = _resolve_path(file, settings)
    findings = find_damage(path)
    if findings:
        raise StoreError(
            f"{path} is damaged: {'; '.join(findings)}; an agent that comes across the damage recovers what can be "
            "read, and so does tsmon-agent db recover"
        )
    say(f"{path} is intact")


@db.command()
def size(file: File = None, settings: SettingsFile = None) -> None:
    """Print the size of the file and the number of rows of each measurement."""
    from tsmon.stores.sqlite import measure

    path = _resolve_path(file, settings)
    measured = measure(path)
    say(f"{path}: {measured.file_bytes:,} bytes, plus {measured.log_bytes:,} in its write-ahead log")
    say(f"{measured.series:,} series, {sum(measured.rows.values()):,} rows")
    for measurement, rows in measured.rows.items():
        say(f"{rows:>14,}  {measurement}")


@db.command()
def backup(
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="The copy; it must not exist yet.")],
    file: File = None,
    settings: SettingsFile = None,
) -> None:
    """Copy the file as it is at this moment."""
    from tsmon.stores.sqlite import backup as copy

    path = _resolve_path(file, settings)
    if not destination.parent.is_dir():
        raise StoreError(f"{destination.parent} is not a directory; create it, or name another place for the copy")
    copy(path, destination)
    say(f"{path} copied to {destination}: {destination.stat().st_size:,} bytes")


@db.command()
def recover(
    damaged: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DAMAGED]…", help="Damaged files; by default the file itself and those quarantined beside it."
        ),
    ] = None,
    file: File = None,
    settings: SettingsFile = None,
) -> None:
    """Add to the file what can be read of damaged ones; nothing is deleted. Stop the agent first."""
    from tsmon.stores.sqlite import recover as recover_files

    path = _resolve_path(file, settings)
    with progress_bar() as report:
        recover_files(path, damaged or (), report=report, say=say)


def _resolve_path(file: Path | None, settings: Path | None) -> Path:
    if file is not None:
        return file
    from tsmon.stores.sqlite.file_location import embedded_file
    from tsmon_agent.settings import load_settings

    return embedded_file(load_settings(settings).monitoring)
