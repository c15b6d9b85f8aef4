"""The command ``tsmon-agent available``: the timeline of an instrument in a terminal."""

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmon.cli.terminal import print_json
from tsmon_agent.cli.options import AsJson, SettingsFile

if TYPE_CHECKING:
    from tsmon.availability import Report
    from tsmon_agent.settings import Settings
    from tsmon_agent.streams.availability.instrument import Instrument

__all__ = ["available"]


def available(
    reference_designator: Annotated[str, typer.Argument(metavar="REFDES", help="The instrument.")],
    method: Annotated[
        str | None, typer.Option("--method", metavar="NAME", help="Only streams of this method.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="NAME", help="Only the stream of this name.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", help="ISO 8601, UTC; by default the first deployment's."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--stop", "--end", metavar="TIME", help="Likewise; by default now.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", metavar="RULES", help="exact or bins.")] = None,
    gap_fraction: Annotated[
        float | None,
        typer.Option(
            "--gap-fraction", metavar="PART", help="No data for more than this part of a deployment are missing."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A row for each interval.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Draw where the data of an instrument's streams are present, sparse or missing, while the agent runs too.

    With --json and --csv it prints what /available/REFDES answers.
    """
    from tsmon.availability import parse_time
    from tsmon.errors import AvailabilityError
    from tsmon_agent.cli.timeline import print_timeline
    from tsmon_agent.settings import load_settings
    from tsmon_agent.streams.availability.export import build_availability, format_availability_csv

    loaded = load_settings(settings)
    now_ns = time.time_ns()
    start_ns, end_ns = (None if text is None else parse_time(text) for text in (start, end))
    if start_ns is not None and (now_ns if end_ns is None else end_ns) <= start_ns:
        raise AvailabilityError("the range ends before it starts; exchange --start and --stop")
    names = (reference_designator, method, stream)
    instrument, reports = asyncio.run(
        _reports(loaded, names, _rules(preset, gap_fraction), (start_ns, end_ns, now_ns))
    )
    if as_json:
        print_json(build_availability(instrument, reports, start_ns=start_ns, end_ns=end_ns, now_ns=now_ns))
    elif as_csv:
        typer.echo(format_availability_csv(instrument, reports), nl=False)
    else:
        print_timeline(instrument, reports, start_ns, end_ns, now_ns)


def _rules(preset: str | None, gap_fraction: float | None) -> dict[str, Any]:
    """What is to be changed of each stream's rules."""
    from tsmon.availability import PRESETS
    from tsmon.errors import AvailabilityError

    changes: dict[str, Any] = {}
    if preset is not None:
        if preset not in PRESETS:
            raise AvailabilityError(f"there are no rules {preset!r}; there are {', '.join(PRESETS)}")
        rules = PRESETS[preset]
        changes = {"gaps": rules.gaps, "sparse_floor": rules.sparse_floor, "tolerance": rules.tolerance}
    return changes if gap_fraction is None else changes | {"gap_fraction": gap_fraction}


async def _reports(
    settings: "Settings",
    names: tuple[str, str | None, str | None],
    changes: dict[str, Any],
    times: tuple[int | None, int | None, int],
) -> "tuple[Instrument, list[Report]]":
    from tsmon.errors import UnknownNameError
    from tsmon.stores.factory import store_from
    from tsmon_agent.state import State
    from tsmon_agent.state.location import state_url
    from tsmon_agent.streams.availability.instrument import compute_reports, load_instrument
    from tsmon_agent.streams.inventory import find_streams

    # The agent may be writing the store.
    store = store_from(settings.monitoring, embedded=True).reader()
    start_ns, end_ns, now_ns = times
    async with State(state_url(settings)) as state, store:
        await state.run(lambda session: find_streams(session, *names))  # says what is wrong with the names
        instrument = await load_instrument(state, settings.availability, names[0])
        assert instrument is not None
        wanted = [
            replace(one, rules=replace(one.rules, **changes))
            for one in instrument.streams
            if names[1] in (None, one.method) and names[2] in (None, one.name)
        ]
        if not wanted and names[1:] != (None, None):
            raise UnknownNameError("these streams are switched off; tsmon-agent streams enable switches them on")
        instrument = replace(instrument, streams=wanted)
        return instrument, await compute_reports(store, instrument, now_ns=now_ns, start_ns=start_ns, end_ns=end_ns)
