"""The commands ``tsmon-agent db …``: looking after the embedded store's file, while the agent runs too."""

from pathlib import Path
from typing import Annotated

import typer

from tsmon.cli.terminal import say
from tsmon.errors import StoreError
from tsmon_agent.cli.options import SettingsFile

__all__ = ["db"]

db = typer.Typer(
    help="Look after the file of the embedded store, also while an agent writes it.", no_args_is_help=True
)

File = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="FILE", help="Another file than the one of the settings.")
]


@db.command()
def check(file: File = None, settings: SettingsFile = None) -> None:
    """Read all of the file, and say whether it is whole; exit with 1 if it is damaged."""
    from tsmon.stores.sqlite import check as findings_in

    path = _path(file, settings)
    findings = findings_in(path)
    if findings:
        raise StoreError(
            f"{path} is damaged: {'; '.join(findings)}; an agent that comes upon it puts it aside and begins anew"
        )
    say(f"{path} is whole")


@db.command()
def size(file: File = None, settings: SettingsFile = None) -> None:
    """Print the size of the file, and how many rows each measurement has."""
    from tsmon.stores.sqlite import measure

    path = _path(file, settings)
    measured = measure(path)
    say(f"{path}: {measured.file_bytes:,} bytes, and {measured.log_bytes:,} in its write-ahead log")
    say(f"{measured.series:,} series, {sum(measured.rows.values()):,} rows")
    for measurement, rows in measured.rows.items():
        say(f"{rows:>14,}  {measurement}")


@db.command()
def backup(
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="The copy; it must not exist.")],
    file: File = None,
    settings: SettingsFile = None,
) -> None:
    """Copy the file as it is at this moment."""
    from tsmon.stores.sqlite import backup as copy

    path = _path(file, settings)
    if not destination.parent.is_dir():
        raise StoreError(f"{destination.parent} is no directory; make it, or name another place for the copy")
    copy(path, destination)
    say(f"{path} is copied to {destination}: {destination.stat().st_size:,} bytes")


def _path(file: Path | None, settings: Path | None) -> Path:
    if file is not None:
        return file
    from tsmon.stores.sqlite.file_location import embedded_file
    from tsmon_agent.settings import load_settings

    return embedded_file(load_settings(settings).monitoring)
