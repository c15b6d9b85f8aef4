"""The command ``tsmon``."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from tsmon import __version__
from tsmon.cli.ending import run_command
from tsmon.cli.spool import spool
from tsmon.cli.terminal import print_json, say
from tsmon.errors import LineProtocolError, TsmonError

__all__ = ["app", "main"]

app = typer.Typer(
    name="tsmon",
    help="Check the settings and line protocol of a service, show its points, manage its spool.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(spool)


@app.command()
def check(
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings", "-s", metavar="FILE", help="Settings file, instead of TSMON_SETTINGS or ./tsmon.toml."
        ),
    ] = None,
) -> None:
    """Check the settings, and whether the configured store accepts points."""
    from tsmon.settings import load_settings
    from tsmon.stores.factory import store_from

    store = store_from(load_settings(settings).monitoring)
    remark = asyncio.run(store.check())
    say(f"the settings are valid, and {store} {remark or 'accepts points'}")


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Line protocol; - for standard input.")],
) -> None:
    """Check line protocol as the server parses it; report the first bad line."""
    from tsmon.line_protocol import parse

    name = "standard input" if file == Path("-") else str(file)
    points = 0
    try:
        for _ in parse(_read(file)):
            points += 1
    except LineProtocolError as error:
        raise TsmonError(f"{name}: {error} ({points} points before it are valid)") from None
    say(f"{name}: {points} points, all valid")


@app.command()
def schema(
    modules: Annotated[
        list[str] | None,
        typer.Option("--module", "-m", metavar="MODULE", help="Your own module or package; may be repeated."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, for programs such as a generator of dashboards.")
    ] = False,
) -> None:
    """Show the series that point classes declare: tsmon's, or those of your own modules."""
    from tsmon.cli.schema import print_schema
    from tsmon.points.schema import find_series

    # Find the user's modules in the current directory, as `python -m` does.
    sys.path.insert(0, "")
    series = find_series(modules or ["tsmon.points"])
    if as_json:
        print_json(series)
    else:
        print_schema(series)


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


def main() -> None:
    """Run the command; a mistake of the user ends it with one sentence and exit code 1."""
    run_command("tsmon", app)


def _read(file: Path) -> bytes:
    if file == Path("-"):
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise TsmonError(f"{file} cannot be read: {error.strerror}; name a file of line protocol") from None
