"""The command ``tsmon-agent once``: one round of samples."""

import asyncio
from typing import Final

import typer

from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile

PRIME_S: Final = 1.0
"""Seconds between the first reading of counters and the round."""


@app.command()
def once(settings: SettingsFile = None) -> None:
    """Print one round of all samplers as line protocol; exit with 1 if any sampler failed."""
    from tsmon_agent.cli.print_points import print_once
    from tsmon_agent.logging_config import log_to_stderr
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    log_to_stderr(verbose=False)
    if not asyncio.run(print_once(loaded, PRIME_S)):
        raise typer.Exit(1)
