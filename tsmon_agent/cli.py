"""The command ``tsmon-agent``."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from tsmon.errors import TsmonError
from tsmon.settings import Settings, load_settings
from tsmon_agent.db_commands import db
from tsmon_agent.options import SettingsFile

__all__ = ["app", "main"]

PRIME_S = 1.0
"""How long ``once`` waits between the first reading of counters and the round, in seconds."""

app = typer.Typer(
    name="tsmon-agent",
    help="Sample this host, store what is measured, show it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(db, name="db")


@app.command()
def run(
    settings: SettingsFile = None,
    print_lines: Annotated[
        bool, typer.Option("--print", help="Print line protocol on standard output instead of storing it.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Sample this host until SIGTERM or SIGINT; SIGHUP reads the settings again."""
    loaded = load_settings(settings)
    _log_to_stderr(verbose=verbose)
    if print_lines:
        from tsmon_agent.printing import run_printing

        asyncio.run(run_printing(loaded))
        return
    asyncio.run(_run(loaded, settings))


async def _run(settings: Settings, file: Path | None) -> None:
    from tsmon_agent.agent import Agent

    agent = Agent(settings, settings_file=file)

    def started() -> None:
        where = f", shown on {agent.web_address}" if agent.web_address else ""
        print(f"tsmon-agent samples {settings.agent.host} into {agent.store}{where}", flush=True)

    await agent.run(started)


@app.command()
def once(settings: SettingsFile = None) -> None:
    """Print one round of all samplers as line protocol; exit with 1 if any of them failed."""
    from tsmon_agent.printing import print_once

    loaded = load_settings(settings)
    _log_to_stderr(verbose=False)
    if not asyncio.run(print_once(loaded, PRIME_S)):
        raise typer.Exit(1)


@app.command()
def check(settings: SettingsFile = None) -> None:
    """Check the settings, and ask the configured store whether it would take our points."""
    from tsmon.configured import store_from
    from tsmon_agent.configured import samplers_from

    loaded = load_settings(settings)
    samplers = samplers_from(loaded.agent)
    store = store_from(loaded.monitoring, embedded=True)
    asyncio.run(store.check())
    names = ", ".join(f"{sampler.name} every {interval_s:g} s" for sampler, interval_s in samplers)
    typer.echo(f"settings: fine; samplers: {names or 'none'}")
    typer.echo(f"store: {store} takes points")


def main() -> None:
    """Run the command; a user's mistake ends it with one sentence and exit code 1."""
    try:
        app()
    except TsmonError as error:
        sys.exit(f"tsmon-agent: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for name in ("alembic", "apscheduler", "asyncio", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
