"""The command ``tsmon-agent available``: the timeline of an instrument on a terminal."""

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmon.cli.terminal import print_json
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import AsJson, Designator, SettingsFile
from tsmon_agent.cli.reading import open_for_reading

if TYPE_CHECKING:
    from tsmon.availability import Report
    from tsmon_agent.settings import Settings
    from tsmon_agent.streams.availability.instrument import Instrument


@app.command()
def available(
    reference_designator: Designator,
    method: Annotated[
        str | None, typer.Option("--method", metavar="NAME", help="Only streams of this method.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="NAME", help="Only the stream of this name.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", help="ISO 8601, UTC; by default the first deployment's start."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--stop", "--end", metavar="TIME", help="Likewise; by default now.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", metavar="RULES", help="exact or bins.")] = None,
    gap_fraction: Annotated[
        float | None,
        typer.Option(
            "--gap-fraction", metavar="FRACTION", help="A gap lasts for more than this fraction of its deployment."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, a row for each interval, with exact times.")
    ] = False,
    exact_times: Annotated[
        bool, typer.Option("--exact-times", help="With --json, times of short intervals have fractions of seconds.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Draw where the data of an instrument's streams are present, sparse or missing, also while the agent runs.

    --json and --csv print what /available/REFDES returns.
    """
    from tsmon.availability import parse_time
    from tsmon.errors import AvailabilityError
    from tsmon_agent.cli.timeline import print_timeline
    from tsmon_agent.settings import load_settings
    from tsmon_agent.streams.availability.export import availability_to_json, format_availability_csv

    loaded = load_settings(settings)
    now_ns = time.time_ns()
    start_ns, end_ns = (None if text is None else parse_time(text) for text in (start, end))
    if start_ns is not None and (now_ns if end_ns is None else end_ns) <= start_ns:
        raise AvailabilityError("the range ends before it starts; exchange --start and --stop")
    names = (reference_designator, method, stream)
    instrument, reports = asyncio.run(
        _compute(loaded, names, _rule_changes(preset, gap_fraction), (start_ns, end_ns, now_ns))
    )
    if as_json:
        print_json(
            availability_to_json(
                instrument, reports, start_ns=start_ns, end_ns=end_ns, now_ns=now_ns, whole_seconds=not exact_times
            )
        )
    elif as_csv:
        typer.echo(format_availability_csv(instrument, reports), nl=False)
    else:
        print_timeline(instrument, reports, start_ns, end_ns, now_ns)


def _rule_changes(preset: str | None, gap_fraction: float | None) -> dict[str, Any]:
    """What the options change in each stream's rules."""
    from tsmon.availability import PRESETS
    from tsmon.errors import AvailabilityError

    changes: dict[str, Any] = {}
    if preset is not None:
        if preset not in PRESETS:
            raise AvailabilityError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
        rules = PRESETS[preset]
        changes = {"gaps": rules.gaps, "sparse_floor": rules.sparse_floor, "tolerance": rules.tolerance}
    return changes if gap_fraction is None else changes | {"gap_fraction": gap_fraction}


async def _compute(
    settings: "Settings",
    names: tuple[str, str | None, str | None],
    changes: dict[str, Any],
    times: tuple[int | None, int | None, int],
) -> "tuple[Instrument, list[Report]]":
    from tsmon.errors import UnknownNameError
    from tsmon_agent.streams.availability.instrument import compute_reports, load_instrument
    from tsmon_agent.streams.inventory import find_streams

    start_ns, end_ns, now_ns = times
    async with open_for_reading(settings) as (state, store):
        await state.run(lambda session: find_streams(session, *names))  # raises if the names are unknown
        instrument = await load_instrument(state, settings.availability, names[0])
        assert instrument is not None
        wanted = [
            replace(one, rules=replace(one.rules, **changes))
            for one in instrument.streams
            if names[1] in (None, one.method) and names[2] in (None, one.name)
        ]
        if not wanted and names[1:] != (None, None):
            raise UnknownNameError("these streams are disabled; tsmon-agent streams enable enables them")
        instrument = replace(instrument, streams=wanted)
        return instrument, await compute_reports(store, instrument, now_ns=now_ns, start_ns=start_ns, end_ns=end_ns)
