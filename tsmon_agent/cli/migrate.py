"""The commands ``tsmon-agent migrate …``: the state's schema, from version to version."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import StateError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile

if TYPE_CHECKING:
    from tsmon_agent.state import Database

migrate = typer.Typer(
    help="Create or upgrade the schema of the state, or migrate it up or down to a version.",
    invoke_without_command=True,
)
app.add_typer(migrate, name="migrate")

Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it, without a connection.")]
Start = Annotated[
    str | None, typer.Option("--from", metavar="VERSION", help="With --sql: the version to start from.")
]
VERSION_HELP: Final = "A number, head, base, or steps such as +1 and -1."
STEPS: Final = {"ignore_unknown_options": True}
"""Otherwise -1 would be taken for an option."""


@migrate.callback()
def migrate_to_newest(context: typer.Context, sql: Sql = False, settings: SettingsFile = None) -> None:
    """Create the schema of the state, or upgrade it to the newest version; with --sql, print the whole schema."""
    if context.invoked_subcommand is None:
        up("head", sql=sql, settings=settings)
    elif sql or settings is not None:
        raise StateError(f"options go after the command: tsmon-agent migrate {context.invoked_subcommand} …")


@migrate.command(context_settings=STEPS)
def up(
    version: Annotated[str, typer.Argument(metavar="VERSION", help=VERSION_HELP)] = "head",
    start: Start = None,
    sql: Sql = False,
    settings: SettingsFile = None,
) -> None:
    """Upgrade to a version, by default the newest."""
    _migrate(version, start, up=True, sql=sql, settings=settings, yes=True)


@migrate.command(context_settings=STEPS)
def down(
    version: Annotated[str, typer.Argument(metavar="VERSION", help=VERSION_HELP)],
    start: Start = None,
    sql: Sql = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for confirmation, even if data are lost.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Downgrade to an earlier version, which removes what only later ones have. Stop the agent first."""
    _migrate(version, start, up=False, sql=sql, settings=settings, yes=yes)


@migrate.command()
def current(settings: SettingsFile = None) -> None:
    """Print the version of the schema, and whether it is the newest."""
    from tsmon_agent.state.schema_versions import newest_version

    database = _database(settings)
    version = database.read_version()
    rest = "the newest" if version == newest_version() else f"the newest is {newest_version()}"
    say(f"{database}: version {version}, {rest}")


@migrate.command()
def history() -> None:
    """List all versions of the schema that this program knows, and what each introduced."""
    from tsmon_agent.state.migration import list_versions

    for version, what in list_versions():
        say(f"{version}  {what}")


def _migrate(wanted: str, start: str | None, *, up: bool, sql: bool, settings: Path | None, yes: bool) -> None:
    from tsmon_agent.state.schema_versions import BASE, known_versions, resolve_version

    database = _database(settings)
    if start is not None and not sql:
        raise StateError("--from goes with --sql; without it, migration starts from the stored version")
    found = resolve_version(start or ("base" if up else "head"), BASE) if sql else database.read_version()
    version = resolve_version(wanted, found)
    order = (BASE, *known_versions())
    if order.index(version) != order.index(found) and (order.index(version) > order.index(found)) != up:
        other = "down" if up else "up"
        raise StateError(f"version {version} is {other} from {found}; use tsmon-agent migrate {other} {version}")
    if sql:
        from tsmon_agent.state.migration import generate_sql

        typer.echo(generate_sql(database.dialect, found, version), nl=False)
        return
    if not yes:
        _confirm_losses(database, version)
    copy = database.migrate(version)
    say(f"{database}: version {version}" + (", as before" if version == found else f", from {found}"))
    if copy is not None:
        say(f"{copy} is a copy of the file from before")


def _confirm_losses(database: "Database", version: str) -> None:
    losses = database.count_losses(version)
    if losses:
        what = ", ".join(f"{name} ({rows} row{'s' * (rows != 1)})" for name, rows in losses.items())
        confirm(f"Version {version} has no {what}. Remove the data in there?")


def _database(settings: Path | None) -> "Database":
    from tsmon_agent.cli.state_edits import configured_database
    from tsmon_agent.settings import load_settings

    return configured_database(load_settings(settings))
