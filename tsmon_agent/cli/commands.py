"""The command ``tsmon-agent``."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from tsmon.cli.terminal import print_json, say
from tsmon.errors import TsmonError
from tsmon.logs.safe_text import escape_unprintable_lines
from tsmon_agent.cli.audit import audit
from tsmon_agent.cli.available import available
from tsmon_agent.cli.db import db
from tsmon_agent.cli.deployments import deployments
from tsmon_agent.cli.fresh import fresh
from tsmon_agent.cli.import_files import import_files
from tsmon_agent.cli.migrate import migrate
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.rollups import rollups, setup
from tsmon_agent.cli.streams import streams
from tsmon_agent.cli.token import token
from tsmon_agent.logging_config import log_to_stderr
from tsmon_agent.settings import Settings, load_settings

__all__ = ["app", "main"]

PRIME_S = 1.0
"""How long ``once`` waits between the first reading of counters and the round, in seconds."""

GARBAGE = (50_000, 20, 20)
"""When cycles are looked for: what is told of years, or of thousands of streams, is many small tuples and none."""

app = typer.Typer(
    name="tsmon-agent",
    help="Sample this host, store what is measured, show it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(streams, name="streams")
app.add_typer(deployments, name="deployments")
app.add_typer(db, name="db")
app.add_typer(migrate, name="migrate")
app.add_typer(token, name="token")


app.command("import")(import_files)
app.command()(setup)
app.command()(fresh)
app.command()(available)
app.command()(audit)
app.add_typer(rollups, name="rollups")


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
    """Sample this host until SIGTERM or SIGINT; SIGHUP reads the settings again."""
    loaded = load_settings(settings)
    log_to_stderr(verbose=verbose)
    if print_lines:
        from tsmon_agent.cli.print_points import print_rounds

        asyncio.run(print_rounds(loaded))
        return
    asyncio.run(_run(loaded, settings, expected))


async def _run(settings: Settings, file: Path | None, expected: Path | None) -> None:
    from tsmon_agent.agent import Agent

    gc.set_threshold(*GARBAGE)
    agent = Agent(settings, settings_file=file, expected=expected)

    def started() -> None:
        where = f", shown on {agent.web_address}" if agent.web_address else ""
        print(f"tsmon-agent samples {settings.agent.host} into {agent.context.store}{where}", flush=True)

    await agent.run(started)


@app.command()
def once(settings: SettingsFile = None) -> None:
    """Print one round of all samplers as line protocol; exit with 1 if any of them failed."""
    from tsmon_agent.cli.print_points import print_once

    loaded = load_settings(settings)
    log_to_stderr(verbose=False)
    if not asyncio.run(print_once(loaded, PRIME_S)):
        raise typer.Exit(1)


@app.command()
def check(settings: SettingsFile = None) -> None:
    """Check the settings, and ask the configured store whether it would take our points."""
    from tsmon.stores.factory import store_from
    from tsmon_agent.host.sampling.from_settings import build_samplers

    loaded = load_settings(settings)
    samplers = build_samplers(loaded.agent)
    store = store_from(loaded.monitoring, embedded=True)
    asyncio.run(store.check())
    names = ", ".join(f"{sampler.name} every {interval_s:g} s" for sampler, interval_s in samplers)
    say(f"settings: fine; samplers: {names or 'none'}")
    say(f"store: {store} accepts points")


@app.command()
def status(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Ask whether an agent runs; exit with 0 if it is ready, 1 if it is not, 3 if there is none."""
    from tsmon_agent.cli.status import query_status

    found = query_status(load_settings(settings).web)
    if as_json:
        print_json(found)
    else:
        say(str(found))
    raise typer.Exit(found.exit_code)


def main() -> None:
    """Run the command; a user's mistake ends it with one sentence and exit code 1."""
    try:
        app()
    except TsmonError as error:
        sys.exit(f"tsmon-agent: {escape_unprintable_lines(str(error))}")
    except KeyboardInterrupt:
        sys.exit(130)
