"""Options that several commands of ``tsmon-agent`` have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "SettingsFile"]

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", metavar="FILE", help="Settings file, instead of TSMON_SETTINGS or ./tsmon.toml."
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
