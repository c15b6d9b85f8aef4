"""The commands ``tsmon-agent migrate …``: the state's schema, from version to version."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import StateError
from tsmon_agent.cli.options import SettingsFile

if TYPE_CHECKING:
    from tsmon_agent.state import Database

__all__ = ["migrate"]

migrate = typer.Typer(
    help="Create or upgrade the schema of the state, or go up or down to a version.", invoke_without_command=True
)

Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it; ask no database.")]
Start = Annotated[
    str | None, typer.Option("--from", metavar="VERSION", help="With --sql: the version to start from.")
]
VERSION_HELP = "A number, head, base, or steps such as +1 and -1."
# Else -1 would be taken for an option.
STEPS = {"ignore_unknown_options": True}


@migrate.callback()
def migrate_to_newest(context: typer.Context, sql: Sql = False, settings: SettingsFile = None) -> None:
    """Create the schema of the state, or upgrade it to the newest version; with --sql print all of it."""
    if context.invoked_subcommand is None:
        up("head", sql=sql, settings=settings)
    elif sql or settings is not None:
        raise StateError(
            f"write the options behind the command: tsmon-agent migrate {context.invoked_subcommand} …"
        )


@migrate.command(context_settings=STEPS)
def up(
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help=VERSION_HELP)] = "head",
    start: Start = None,
    sql: Sql = False,
    settings: SettingsFile = None,
) -> None:
    """Upgrade to a version, by default the newest."""
    _go(version, start or "base", up=True, sql=sql, named=start is not None, settings=settings, yes=True)


@migrate.command(context_settings=STEPS)
def down(
    version: Annotated[str, typer.Argument(metavar="VERSION", help=VERSION_HELP)],
    start: Start = None,
    sql: Sql = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, although data are lost.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Go back to an earlier version; what only later ones have is removed. Stop the agent before."""
    _go(version, start or "head", up=False, sql=sql, named=start is not None, settings=settings, yes=yes)


@migrate.command()
def current(settings: SettingsFile = None) -> None:
    """Print the version of the schema, and whether it is the newest."""
    from tsmon_agent.state.schema_versions import newest_version

    database = _database(settings)
    version = database.version()
    rest = "the newest" if version == newest_version() else f"the newest is {newest_version()}"
    say(f"{database}: version {version}, {rest}")


@migrate.command()
def history() -> None:
    """Print all versions of the schema that this program knows, and what came with each."""
    from tsmon_agent.state.migration import list_versions

    for version, what in list_versions():
        say(f"{version}  {what}")


def _go(asked: str, start: str, *, up: bool, sql: bool, named: bool, settings: Path | None, yes: bool) -> None:
    from tsmon_agent.state.schema_versions import BASE, known_versions, resolve_version

    database = _database(settings)
    if named and not sql:
        raise StateError("--from goes with --sql; without it the way starts from what is stored")
    found = resolve_version(start, BASE) if sql else database.version()
    wanted = resolve_version(asked, found)
    order = (BASE, *known_versions())
    if order.index(wanted) != order.index(found) and (order.index(wanted) > order.index(found)) != up:
        other = "down" if up else "up"
        raise StateError(f"version {wanted} is {other} from {found}; use tsmon-agent migrate {other} {wanted}")
    if sql:
        from tsmon_agent.state.migration import generate_sql

        typer.echo(generate_sql(database.dialect, found, wanted), nl=False)
        return
    if not yes:
        _ask(database, wanted)
    copy = database.migrate(wanted)
    say(f"{database}: version {wanted}" + (", as before" if wanted == found else f", from {found}"))
    if copy is not None:
        say(f"{copy} is the copy of before")


def _ask(database: "Database", wanted: str) -> None:
    losses = database.count_losses(wanted)
    if losses:
        what = ", ".join(f"{name} ({rows} row{'s' * (rows != 1)})" for name, rows in losses.items())
        confirm(f"Version {wanted} has no {what}. Remove what is in there?")


def _database(settings: Path | None) -> "Database":
    from tsmon_agent.cli.state_edits import configured_database
    from tsmon_agent.settings import load_settings

    return configured_database(load_settings(settings))
