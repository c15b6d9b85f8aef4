"""Arguments and options that several commands of ``tsmon-agent`` have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Designator", "DryRun", "SettingsFile", "Table", "Yes"]

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", metavar="FILE", help="Settings file, instead of TSMON_SETTINGS or ./tsmon.toml."
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

Designator = Annotated[str, typer.Argument(metavar="REFDES", help="Reference designator of the instrument.")]

Table = Annotated[Path, typer.Argument(metavar="FILE", help="The table; - for standard input.")]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the table and print what would change.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
