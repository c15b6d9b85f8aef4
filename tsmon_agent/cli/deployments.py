"""The commands ``tsmon-agent deployments …``: when instruments are deployed, also while the agent runs."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tsmon.cli.terminal import confirm, print_json, print_table, say
from tsmon.errors import AvailabilityError
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.state_edits import edit, load_table, open_database

__all__ = ["deployments"]

deployments = typer.Typer(help="Deployments of instruments: when data are expected at all.", no_args_is_help=True)

Designator = Annotated[str, typer.Argument(metavar="REFDES", help="Reference designator of the instrument.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the deployment.")]
TIME_HELP = "ISO 8601, such as 2024-05-01T12:30:00Z; without a zone it is UTC."


@deployments.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The table; - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it, and say what would change.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Load a table (CSV) of deployments: new ones are added, others changed, none removed.

    Columns: reference designator, number, start, end, which is empty while it runs. Times are ISO 8601, without a
    zone UTC. A mistake in any row keeps all from being loaded.
    """
    from tsmon_agent.streams.inventory import load_deployments, parse_deployment_csv
    from tsmon_agent.streams.inventory.table_files import read_table

    with open_database(settings) as (_, database):
        rows = parse_deployment_csv(read_table(file), source=str(file))
        load_table(
            database,
            "deployments",
            file,
            rows,
            lambda session, rows: load_deployments(session, rows, source=str(file)),
            dry_run=dry_run,
        )


@deployments.command("list")
def list_deployments(
    reference_designator: Annotated[
        str | None, typer.Argument(metavar="[REFDES]", help="Only those of this instrument.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Print deployments, all or those of one instrument."""
    from tsmon_agent.streams.inventory import deployment_to_json
    from tsmon_agent.streams.inventory import query_deployments as deployed
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    with open_database(settings) as (_, database):
        found = database.run(lambda session: deployed(session, reference_designator=reference_designator))
    if as_json:
        print_json([deployment_to_json(one) for one in found])
    elif found:
        rows = (
            (
                one.reference_designator,
                str(one.number),
                format_exact_time(one.start_ns),
                format_exact_time(one.end_ns) or "still running",
            )
            for one in found
        )
        print_table(("reference designator", "number", "start", "end"), rows)
    else:
        whose = "" if reference_designator is None else f" of {reference_designator}"
        say(f"no deployments{whose} are known; add one with tsmon-agent deployments add, or load a table")


@deployments.command()
def export(settings: SettingsFile = None) -> None:
    """Print the table of deployments, which loads again to the same."""
    from tsmon_agent.streams.inventory import format_deployments_csv
    from tsmon_agent.streams.inventory import query_deployments as deployed

    with open_database(settings) as (_, database):
        typer.echo(database.run(lambda session: format_deployments_csv(deployed(session))), nl=False)


@deployments.command()
def add(
    reference_designator: Designator,
    number: Number,
    start: Annotated[str, typer.Argument(metavar="START", help=TIME_HELP)],
    end: Annotated[str, typer.Argument(metavar="[END]", help="Left out: still running.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Add a deployment."""
    from tsmon_agent.streams.inventory import add_deployment, parse_deployment_rows

    values = {"reference_designator": reference_designator, "number": number, "start": start, "end": end}
    (row,) = parse_deployment_rows([(1, values)], source="arguments")
    with open_database(settings) as (_, database):
        edit(
            database,
            "add a deployment",
            f"{row.reference_designator} {number}",
            lambda session: add_deployment(session, row),
            detail={"start": start, "end": end},
        )
    say(f"deployment {number} of {row.reference_designator} added")


@deployments.command("end")
def end_one(
    reference_designator: Designator,
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Left out: the only one that runs.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help=f"By default now. {TIME_HELP}")] = None,
    settings: SettingsFile = None,
) -> None:
    """End a deployment that runs."""
    from tsmon_agent.streams.inventory import end_deployment
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time, parse_time_ns

    try:
        end_ns = time.time_ns() if at is None else parse_time_ns(at)
    except ValueError as error:
        raise AvailabilityError(f"--at {error}") from None
    with open_database(settings) as (_, database):
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
    reference_designator: Designator,
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Forget a deployment; the points of its time stay."""
    from tsmon_agent.streams.inventory import remove_deployment

    with open_database(settings) as (_, database):
        if not yes:
            confirm(f"Forget deployment {number} of {reference_designator}?")
        edit(
            database,
            "remove a deployment",
            f"{reference_designator} {number}",
            lambda session: remove_deployment(session, reference_designator, number),
        )
    say(f"deployment {number} of {reference_designator} forgotten")
