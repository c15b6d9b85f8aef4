"""The command ``tsmon-agent run``: the agent itself."""

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile

if TYPE_CHECKING:
    from tsmon_agent.settings import Settings

GARBAGE: Final = (50_000, 20, 20)
"""Thresholds of the garbage collector: large queries create many small tuples, none of them in a cycle."""


@app.command()
def run(
    settings: SettingsFile = None,
    print_lines: Annotated[
        bool, typer.Option("--print", help="Print line protocol on standard output instead of storing it.")
    ] = False,
    expected: Annotated[
        Path | None,
        typer.Option(
            "--expected", metavar="FILE", help="Load this table of expected streams, as streams load does."
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Sample this host until SIGTERM or SIGINT; SIGHUP reloads the settings."""
    from tsmon_agent.logging_config import log_to_stderr
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    log_to_stderr(verbose=verbose)
    if print_lines:
        from tsmon_agent.cli.print_points import print_rounds

        asyncio.run(print_rounds(loaded))
        return
    asyncio.run(_run(loaded, settings, expected))


async def _run(settings: "Settings", file: Path | None, expected: Path | None) -> None:
    from tsmon_agent.agent import Agent

    gc.set_threshold(*GARBAGE)
    agent = Agent(settings, settings_file=file, expected=expected)

    def print_address() -> None:
        where = f", shown on {agent.web_address}" if agent.web_address else ""
        print(f"tsmon-agent samples {settings.agent.host} into {agent.context.store}{where}", flush=True)

    await agent.run(print_address)
