"""The commands ``tsmon-agent deployments …``: when instruments are deployed, also while the agent runs."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import AvailabilityError, InvalidRowsError, StateError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.listing import print_list
from tsmon_agent.cli.options import AsJson, Designator, DryRun, SettingsFile, Table, Yes
from tsmon_agent.cli.state_edits import edit, load_table, open_database, query

if TYPE_CHECKING:
    from tsmon_agent.state import Deployment

deployments = typer.Typer(help="Deployments of instruments: when their data are expected.", no_args_is_help=True)
app.add_typer(deployments, name="deployments")

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the deployment.")]
TIME_HELP: Final = "ISO 8601, such as 2024-05-01T12:30:00Z; without a zone it is UTC."


@deployments.command()
def load(file: Table, dry_run: DryRun = False, settings: SettingsFile = None) -> None:
    """Load a table (CSV) of deployments: new ones are added, others changed, none removed.

    Columns, in this order, or in any order below a header:

    * reference designator, number
    * start, end: in ISO 8601, without a zone in UTC; no end while it runs

    The end may be left out; what is stored then stays.
    If any row has a mistake, nothing is loaded.
    """
    from tsmon_agent.streams.inventory.table_files import read_deployment_table

    load_table(settings, "deployments", lambda _: read_deployment_table(file), dry_run=dry_run)


@deployments.command("list")
def list_deployments(
    reference_designator: Annotated[
        str | None, typer.Argument(metavar="REFDES", help="Only those of this instrument.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """List deployments, all or those of one instrument."""
    from tsmon_agent.streams.inventory import deployment_to_json, query_deployments

    which = "" if reference_designator is None else f" of {reference_designator}"
    print_list(
        query(settings, lambda session: query_deployments(session, reference_designator=reference_designator)),
        as_json=as_json,
        to_json=deployment_to_json,
        titles=("reference designator", "number", "start", "end"),
        to_cells=_format_cells,
        if_empty=f"no deployments{which} are known; add one with tsmon-agent deployments add, or load a table",
    )


@deployments.command()
def export(settings: SettingsFile = None) -> None:
    """Print the table of deployments (CSV), which can be loaded again."""
    from tsmon_agent.streams.inventory import format_deployments_csv, query_deployments

    typer.echo(query(settings, lambda session: format_deployments_csv(query_deployments(session))), nl=False)


@deployments.command()
def add(
    reference_designator: Designator,
    number: Number,
    start: Annotated[str, typer.Argument(metavar="START", help=TIME_HELP)],
    end: Annotated[str, typer.Argument(metavar="END", help="Likewise; by default none: it still runs.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Add a deployment."""
    from tsmon_agent.streams.inventory import add_deployment, parse_deployment_rows

    values = {"reference_designator": reference_designator, "number": number, "start": start, "end": end}
    try:
        (row,) = parse_deployment_rows([(1, values)])
    except InvalidRowsError as error:
        raise StateError("\n".join(reason for _, reason in error.mistakes)) from None
    with open_database(settings) as database:
        edit(
            database,
            "add a deployment",
            f"{row.reference_designator} {number}",
            lambda session: add_deployment(session, row),
            detail={"start": start} | ({"end": end} if end else {}),
        )
    say(f"deployment {number} of {row.reference_designator} added")


@deployments.command("end")
def end_one(
    reference_designator: Designator,
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="By default the only one that runs.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help=f"By default now. {TIME_HELP}")] = None,
    settings: SettingsFile = None,
) -> None:
    """End a deployment that runs."""
    from tsmon_agent.state.times import format_exact_time, parse_time_ns
    from tsmon_agent.streams.inventory import end_deployment

    try:
        end_ns = time.time_ns() if at is None else parse_time_ns(at)
    except ValueError as error:
        raise AvailabilityError(f"--at {error}") from None
    with open_database(settings) as database:
        ended = edit(
            database,
            "end a deployment",
            reference_designator if number is None else f"{reference_designator} {number}",
            lambda session: end_deployment(session, reference_designator, number, end_ns),
            detail={"end": format_exact_time(end_ns)},
        )
    say(f"deployment {ended.number} of {reference_designator} ended at {format_exact_time(ended.end_ns)}")


@deployments.command()
def remove(
    reference_designator: Designator, number: Number, yes: Yes = False, settings: SettingsFile = None
) -> None:
    """Remove a deployment; points from that time stay."""
    from tsmon_agent.streams.inventory import remove_deployment

    with open_database(settings) as database:
        if not yes:
            confirm(f"Remove deployment {number} of {reference_designator}?")
        edit(
            database,
            "remove a deployment",
            f"{reference_designator} {number}",
            lambda session: remove_deployment(session, reference_designator, number),
        )
    say(f"deployment {number} of {reference_designator} removed")


def _format_cells(deployment: "Deployment") -> tuple[str, ...]:
    from tsmon_agent.state.times import format_exact_time

    return (
        deployment.reference_designator,
        str(deployment.number),
        format_exact_time(deployment.start_ns),
        format_exact_time(deployment.end_ns) or "still running",
    )
