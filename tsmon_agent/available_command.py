"""The command ``tsmon-agent available``: the timeline of an instrument in a terminal."""

import asyncio
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tsmon_agent.options import AsJson, SettingsFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsmon.availability import Report
    from tsmon.settings import Settings
    from tsmon_agent.instruments import Instrument

__all__ = ["available"]

WIDTH: Final = 100
"""Columns of what goes into a file or a pipe."""

NAMES: Final = 3
"""Names take at most one part in so many of the width."""


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
    end: Annotated[str | None, typer.Option("--end", metavar="TIME", help="Likewise; by default now.")] = None,
    preset: Annotated[str | None, typer.Option("--preset", metavar="RULES", help="exact or document.")] = None,
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
    from tsmon.availability import time_of_text
    from tsmon.errors import AvailabilityError
    from tsmon.settings import load_settings
    from tsmon_agent.availability_tables import availability_csv, availability_json
    from tsmon_agent.terminal import print_json

    loaded = load_settings(settings)
    now_ns = time.time_ns()
    start_ns, end_ns = (None if text is None else time_of_text(text) for text in (start, end))
    if start_ns is not None and (now_ns if end_ns is None else end_ns) <= start_ns:
        raise AvailabilityError("the range ends before it starts; exchange --start and --end")
    names = (reference_designator, method, stream)
    instrument, reports = asyncio.run(
        _reports(loaded, names, _rules(preset, gap_fraction), (start_ns, end_ns, now_ns))
    )
    if as_json:
        print_json(availability_json(instrument, reports, start_ns=start_ns, end_ns=end_ns, now_ns=now_ns))
    elif as_csv:
        typer.echo(availability_csv(instrument, reports), nl=False)
    else:
        _draw(instrument, reports, start_ns, end_ns, now_ns)


def _rules(preset: str | None, gap_fraction: float | None) -> dict[str, object]:
    """What is to be changed of each stream's rules."""
    from tsmon.availability import PRESETS
    from tsmon.errors import AvailabilityError

    changes: dict[str, object] = {}
    if preset is not None:
        if preset not in PRESETS:
            raise AvailabilityError(f"there are no rules {preset!r}; there are {', '.join(PRESETS)}")
        rules = PRESETS[preset]
        changes = {"gaps": rules.gaps, "sparse_floor": rules.sparse_floor, "tolerance": rules.tolerance}
    return changes if gap_fraction is None else changes | {"gap_fraction": gap_fraction}


async def _reports(
    settings: "Settings",
    names: tuple[str, str | None, str | None],
    changes: dict[str, object],
    times: tuple[int | None, int | None, int],
) -> "tuple[Instrument, list[Report]]":
    from tsmon.configured import embedded_file, store_from
    from tsmon.errors import UnknownNameError
    from tsmon.stores.sqlite import SqliteStore
    from tsmon_agent.configured import state_url
    from tsmon_agent.instruments import instrument_of, reports_of
    from tsmon_agent.state import State
    from tsmon_agent.streams import streams_of

    store = store_from(settings.monitoring, embedded=True)
    if isinstance(store, SqliteStore):
        # The agent may be writing it.
        store = SqliteStore(embedded_file(settings.monitoring), read_only=True)
    start_ns, end_ns, now_ns = times
    async with State(state_url(settings)) as state, store:
        await state.run(lambda session: streams_of(session, *names))  # says what is wrong with the names
        instrument = await instrument_of(state, settings.availability, names[0])
        assert instrument is not None
        wanted = [
            replace(one, rules=replace(one.rules, **changes))  # type: ignore[arg-type]
            for one in instrument.streams
            if names[1] in (None, one.method) and names[2] in (None, one.name)
        ]
        if not wanted:
            raise UnknownNameError("these streams are switched off; tsmon-agent streams enable switches them on")
        instrument = replace(instrument, streams=wanted)
        return instrument, await reports_of(store, instrument, now_ns=now_ns, start_ns=start_ns, end_ns=end_ns)


def _draw(
    instrument: "Instrument", reports: "Sequence[Report]", start_ns: int | None, end_ns: int | None, now_ns: int
) -> None:
    from rich.console import Console
    from rich.text import Text

    from tsmon.availability import spans, time_text, timeline
    from tsmon_agent.timelines import stream_rows
    from tsmon_agent.timelines.characters import axis_line, deployments_line, legend_line, stream_line

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=int(os.environ.get("COLUMNS", "") or WIDTH))
    rules = reports[0].rules
    found = timeline([], spans(instrument.deployments, rules, now_ns=now_ns), rules)
    start_ns, end_ns = found.window(start_ns, end_ns)
    if start_ns >= end_ns:
        typer.echo(f"nothing is expected of {instrument.designator} then; see tsmon-agent deployments list")
        return
    titles = [one.title for one in instrument.streams]
    names_width = min(max(map(len, ("deployments", *titles))), console.width // NAMES)
    width = max(console.width - names_width - 1, 10)

    def row(name: str, line: Text) -> None:
        label = Text(name)
        label.truncate(names_width, overflow="ellipsis", pad=True)
        console.print(label, line, soft_wrap=True)

    console.print(Text(f"{instrument.designator}, {time_text(start_ns)} to {time_text(end_ns)} UTC"))
    row("", Text(axis_line(start_ns, end_ns, width)))
    row("deployments", deployments_line(found.spans, start_ns, end_ns, width))
    for stream, report in zip(instrument.streams, reports, strict=True):
        row(stream.title, stream_line(report, start_ns, end_ns, width))
    console.print(legend_line(rules.appearances))
    for figures in stream_rows(instrument, reports, start_ns, end_ns):
        console.print(Text(f"{figures.summary}, {figures.separation} apart on average"))
