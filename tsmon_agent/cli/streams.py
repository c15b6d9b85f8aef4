"""The commands ``tsmon-agent streams …``: which streams are expected, also while the agent runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, print_json, print_table, say
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.state_edits import edit, load_table, open_database

if TYPE_CHECKING:
    from tsmon_agent.state import Deployment, ExpectedStream

__all__ = ["streams"]

streams = typer.Typer(
    help="Expected streams: load their table, look at them, switch them off and on.", no_args_is_help=True
)

Designator = Annotated[str, typer.Argument(metavar="REFDES", help="Reference designator of the instrument.")]
Method = Annotated[str | None, typer.Argument(metavar="[METHOD]", help="Only streams of this method.")]
Stream = Annotated[str | None, typer.Argument(metavar="[STREAM]", help="Only this stream.")]


@streams.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The table; - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it, and say what would change.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Load a table (CSV) of expected streams: new ones are added, others changed, none removed.

    Columns: reference designator, method, stream, expected rate (Hz), warn interval, fail interval (seconds, or
    like 10m), selector (measurement,tag=value field), rules (gap_fraction=0.01; bounds=1,2,3), enabled. With a
    header they may stand in any order, and all but the first three may be missing: then what is stored stays. A
    mistake in any row keeps all from being loaded.
    """
    from tsmon_agent.streams.inventory import load_streams, parse_stream_csv
    from tsmon_agent.streams.inventory.table_files import read_table

    with open_database(settings) as (loaded, database):
        rows = parse_stream_csv(read_table(file), loaded, source=str(file))
        load_table(
            database,
            "streams",
            file,
            rows,
            lambda session, rows: load_streams(session, rows, source=str(file)),
            dry_run=dry_run,
        )


@streams.command("list")
def list_streams(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print all expected streams."""
    from tsmon_agent.streams.inventory import query_streams as expected
    from tsmon_agent.streams.inventory import stream_to_json

    with open_database(settings) as (_, database):
        found = database.run(expected)
    if as_json:
        print_json([stream_to_json(one) for one in found])
    elif found:
        titles = ("reference designator", "method", "stream", "rate (Hz)", "warn", "fail", "")
        print_table(titles, map(_cells, found))
    else:
        say("no streams are expected; load a table of them with tsmon-agent streams load FILE")


@streams.command()
def show(reference_designator: Designator, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print all about the streams of an instrument, and its deployments."""
    from tsmon_agent.streams.inventory import deployment_to_json, find_streams, query_deployments, stream_to_json

    with open_database(settings) as (_, database):
        found = database.run(lambda session: find_streams(session, reference_designator))
        deployed = database.run(
            lambda session: query_deployments(session, reference_designator=reference_designator)
        )
    if as_json:
        print_json(
            {
                "streams": [stream_to_json(one) for one in found],
                "deployments": [deployment_to_json(one) for one in deployed],
            }
        )
        return
    for one in found:
        _describe(one)
    say("deployments" if deployed else "no deployments are known")
    for deployment in deployed:
        say(f"  {_deployed(deployment)}")


@streams.command()
def export(settings: SettingsFile = None) -> None:
    """Print the table of expected streams, which loads again to the same."""
    from tsmon_agent.streams.inventory import format_streams_csv
    from tsmon_agent.streams.inventory import query_streams as expected

    with open_database(settings) as (_, database):
        typer.echo(database.run(lambda session: format_streams_csv(expected(session))), nl=False)


@streams.command()
def enable(
    reference_designator: Designator, method: Method = None, stream: Stream = None, settings: SettingsFile = None
) -> None:
    """Expect data again of a stream, or of all streams of an instrument."""
    _switch(reference_designator, method, stream, enabled=True, settings=settings)


@streams.command()
def disable(
    reference_designator: Designator, method: Method = None, stream: Stream = None, settings: SettingsFile = None
) -> None:
    """Expect no data for now of a stream, or of all streams of an instrument."""
    _switch(reference_designator, method, stream, enabled=False, settings=settings)


@streams.command()
def remove(
    reference_designator: Designator,
    method: Method = None,
    stream: Stream = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Forget a stream, or all streams of an instrument; their points and the deployments stay."""
    from tsmon_agent.streams.inventory import find_streams, remove_streams

    with open_database(settings) as (_, database):
        found = database.run(lambda session: find_streams(session, reference_designator, method, stream))
        if not yes:
            confirm(f"Forget {_number(len(found))} of {reference_designator}?")
        count = edit(
            database,
            "remove streams",
            _target(reference_designator, method, stream),
            lambda session: remove_streams(session, reference_designator, method, stream),
        )
    say(f"{_number(count)} of {reference_designator} forgotten")


def _switch(
    reference_designator: str, method: str | None, stream: str | None, *, enabled: bool, settings: Path | None
) -> None:
    from tsmon_agent.streams.inventory import set_enabled

    with open_database(settings) as (_, database):
        count = edit(
            database,
            "enable streams" if enabled else "disable streams",
            _target(reference_designator, method, stream),
            lambda session: set_enabled(session, reference_designator, method, stream, enabled=enabled),
        )
    say(f"{_number(count)} of {reference_designator} {'enabled' if enabled else 'disabled'}")


def _cells(stream: "ExpectedStream") -> tuple[str, ...]:
    from tsmon_agent.streams.inventory.cell_parsing import format_seconds

    return (
        stream.reference_designator,
        stream.method,
        stream.stream,
        "" if stream.expected_rate is None else f"{stream.expected_rate:g}",
        format_seconds(stream.warn_interval_ns),
        format_seconds(stream.fail_interval_ns),
        "" if stream.enabled else "disabled",
    )


def _describe(stream: "ExpectedStream") -> None:
    from tsmon_agent.streams.inventory import stream_to_json
    from tsmon_agent.streams.inventory.rule_overrides import format_rules

    values = stream_to_json(stream)
    say(f"{stream.method} {stream.stream}" + ("" if stream.enabled else "  (disabled)"))
    for key, unit in (("expected_rate", " Hz"), ("warn_interval", " s"), ("fail_interval", " s")):
        say(f"  {key.replace('_', ' ')}: " + ("unknown" if values[key] is None else f"{values[key]:g}{unit}"))
    say(f"  selector: {values['selector']}")
    if stream.rules:
        say(f"  rules: {format_rules(stream.rules)}")


def _deployed(deployment: "Deployment") -> str:
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    end = f"to {format_exact_time(deployment.end_ns)}" if deployment.end_ns is not None else "still running"
    return f"{deployment.number}: from {format_exact_time(deployment.start_ns)}, {end}"


def _target(*names: str | None) -> str:
    return " ".join(name for name in names if name is not None)


def _number(count: int) -> str:
    return "1 stream" if count == 1 else f"{count} streams"
