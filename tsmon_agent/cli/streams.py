"""The commands ``tsmon-agent streams …``: which streams are expected, also while the agent runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, print_json, say
from tsmon_agent.cli.app import app
from tsmon_agent.cli.listing import print_list
from tsmon_agent.cli.options import AsJson, Designator, DryRun, SettingsFile, Table, Yes
from tsmon_agent.cli.state_edits import edit, load_table, open_database, query

if TYPE_CHECKING:
    from tsmon_agent.state import Deployment, ExpectedStream

streams = typer.Typer(help="Expected streams: load, list, disable and remove them.", no_args_is_help=True)
app.add_typer(streams, name="streams")

Method = Annotated[str | None, typer.Argument(metavar="METHOD", help="Only streams of this method.")]
Stream = Annotated[str | None, typer.Argument(metavar="STREAM", help="Only this stream.")]


@streams.command()
def load(file: Table, dry_run: DryRun = False, settings: SettingsFile = None) -> None:
    """Load a table (CSV) of expected streams: new ones are added, others changed, none removed.

    Columns, in this order, or in any order below a header:

    * reference designator, method, stream
    * expected rate: in Hz
    * warn interval, fail interval: in seconds, or a text such as 10m
    * selector: such as measurement,tag=value field
    * rules: such as gap_fraction=0.01; bounds=1,2,3
    * enabled: true or false

    All but the first three may be left out; what is stored then stays.
    If any row has a mistake, nothing is loaded.
    """
    from tsmon_agent.streams.inventory.table_files import read_stream_table

    load_table(settings, "streams", lambda loaded: read_stream_table(file, loaded), dry_run=dry_run)


@streams.command("list")
def list_streams(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """List all expected streams."""
    from tsmon_agent.streams.inventory import query_streams, stream_to_json

    print_list(
        query(settings, query_streams),
        as_json=as_json,
        to_json=stream_to_json,
        titles=("reference designator", "method", "stream", "rate (Hz)", "warn (s)", "fail (s)", ""),
        to_cells=_format_cells,
        if_empty="no streams are expected; load a table of them with tsmon-agent streams load FILE",
    )


@streams.command()
def show(reference_designator: Designator, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Show everything about the streams of an instrument, and its deployments."""
    from tsmon_agent.streams.inventory import deployment_to_json, find_streams, query_deployments, stream_to_json

    found, deployments = query(
        settings,
        lambda session: (
            find_streams(session, reference_designator),
            query_deployments(session, reference_designator=reference_designator),
        ),
    )
    if as_json:
        print_json(
            {
                "streams": [stream_to_json(one) for one in found],
                "deployments": [deployment_to_json(one) for one in deployments],
            }
        )
        return
    for one in found:
        _print_stream(one)
    say("deployments" if deployments else "no deployments are known")
    for deployment in deployments:
        say(f"  {_format_deployment(deployment)}")


@streams.command()
def export(settings: SettingsFile = None) -> None:
    """Print the table of expected streams (CSV), which can be loaded again."""
    from tsmon_agent.streams.inventory import format_streams_csv, query_streams

    typer.echo(query(settings, lambda session: format_streams_csv(query_streams(session))), nl=False)


@streams.command()
def enable(
    reference_designator: Designator, method: Method = None, stream: Stream = None, settings: SettingsFile = None
) -> None:
    """Expect data again of a stream, or of all streams of an instrument."""
    _set_enabled(reference_designator, method, stream, enabled=True, settings=settings)


@streams.command()
def disable(
    reference_designator: Designator, method: Method = None, stream: Stream = None, settings: SettingsFile = None
) -> None:
    """Expect no data for now of a stream, or of all streams of an instrument."""
    _set_enabled(reference_designator, method, stream, enabled=False, settings=settings)


@streams.command()
def remove(
    reference_designator: Designator,
    method: Method = None,
    stream: Stream = None,
    yes: Yes = False,
    settings: SettingsFile = None,
) -> None:
    """Remove a stream, or all streams of an instrument; their points and the deployments stay."""
    from tsmon_agent.streams.inventory import find_streams, remove_streams

    with open_database(settings) as database:
        found = database.run(lambda session: find_streams(session, reference_designator, method, stream))
        if not yes:
            confirm(f"Remove {_count_streams(len(found))} of {reference_designator}?")
        count = edit(
            database,
            "remove streams",
            _join_names(reference_designator, method, stream),
            lambda session: remove_streams(session, reference_designator, method, stream),
        )
    say(f"{_count_streams(count)} of {reference_designator} removed")


def _set_enabled(
    reference_designator: str, method: str | None, stream: str | None, *, enabled: bool, settings: Path | None
) -> None:
    from tsmon_agent.streams.inventory import set_enabled

    with open_database(settings) as database:
        count = edit(
            database,
            "enable streams" if enabled else "disable streams",
            _join_names(reference_designator, method, stream),
            lambda session: set_enabled(session, reference_designator, method, stream, enabled=enabled),
        )
    word = "enabled" if enabled else "disabled"
    if count:
        say(f"{_count_streams(count)} of {reference_designator} {word}")
    else:
        say(f"{_join_names(reference_designator, method, stream)} was {word} already; nothing was changed")


def _format_cells(stream: "ExpectedStream") -> tuple[str, ...]:
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


def _print_stream(stream: "ExpectedStream") -> None:
    from tsmon_agent.streams.inventory import stream_to_json
    from tsmon_agent.streams.inventory.rule_overrides import format_rules

    values = stream_to_json(stream)
    say(f"{stream.method} {stream.stream}" + ("" if stream.enabled else "  (disabled)"))
    for key, unit in (("expected_rate", " Hz"), ("warn_interval", " s"), ("fail_interval", " s")):
        say(f"  {key.replace('_', ' ')}: " + ("none" if values[key] is None else f"{values[key]:g}{unit}"))
    say(f"  selector: {values['selector']}")
    if stream.rules:
        say(f"  rules: {format_rules(stream.rules)}")


def _format_deployment(deployment: "Deployment") -> str:
    from tsmon_agent.state.times import format_exact_time

    end = "still running" if deployment.end_ns is None else f"to {format_exact_time(deployment.end_ns)}"
    return f"{deployment.number}: from {format_exact_time(deployment.start_ns)}, {end}"


def _join_names(*names: str | None) -> str:
    return " ".join(name for name in names if name is not None)


def _count_streams(count: int) -> str:
    return "1 stream" if count == 1 else f"{count} streams"
