"""Instruments with their streams and deployments, and reports on their availability."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

from sqlalchemy.orm import Session

from tsmon.availability import Deployment, MinWindowWidths, Report, Rules, compute_spans, query_availability
from tsmon.errors import UnknownNameError
from tsmon.stores import Bin, Selector, Store
from tsmon.stores.concurrent_queries import query_together
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS
from tsmon_agent.settings import AvailabilitySettings
from tsmon_agent.state import State
from tsmon_agent.streams.availability.shared_windows import query_windows
from tsmon_agent.streams.inventory import build_rules, find_streams, query_availability_deployments, selector_of

__all__ = ["Instrument", "ObservedStream", "choose_min_widths", "compute_reports", "load_instrument"]

MOST_WINDOWS: Final = 400_000
"""Windows of all streams of a page together: what a store can answer within a second or two."""

GROUP_SIZES: Final = (8, 25, 50)
"""How many streams the first query serves, the second, and each later one, if the store can answer for several.

Each query costs a server ten milliseconds, but a small first one is answered soon, so that computing begins.
"""

GROUPS_AT_ONCE: Final = 2
"""Groups that are queried or computed at the same time, so that neither the store nor the computation waits."""

SINGLES_AT_ONCE: Final = 2
"""The same for streams that need a query each."""

_WIDTHS: Final = (0, MINUTE_NS, 15 * MINUTE_NS, HOUR_NS, 6 * HOUR_NS, DAY_NS)


@dataclass(frozen=True, slots=True)
class ObservedStream:
    """A stream of an instrument: where its points are, and the rules by which it is judged."""

    method: str
    name: str
    selector: Selector
    rules: Rules

    @property
    def title(self) -> str:
        """Its name in measures and on pages."""
        return f"{self.method} {self.name}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """Everything that is expected under one reference designator."""

    designator: str
    deployments: Sequence[Deployment]
    streams: Sequence[ObservedStream]


async def load_instrument(state: State, settings: AvailabilitySettings, designator: str) -> Instrument | None:
    """Load the instrument of this name with its enabled streams; None if there is no such instrument.

    Raises :class:`~tsmon.errors.StateError` if the state does not answer.
    """

    def work(session: Session) -> Instrument:
        return Instrument(
            designator,
            query_availability_deployments(session, designator),
            [
                ObservedStream(one.method, one.stream, selector_of(one), build_rules(one, settings))
                for one in find_streams(session, designator)
                if one.enabled
            ],
        )

    try:
        return await state.run(work)
    except UnknownNameError:
        return None


async def compute_reports(
    store: Store,
    instrument: Instrument,
    *,
    now_ns: int,
    start_ns: int | None = None,
    end_ns: int | None = None,
    min_widths: MinWindowWidths | None = None,
) -> list[Report]:
    """Compute a report on each stream, in their order; see :func:`~tsmon.availability.query_availability`."""
    min_widths = min_widths or MinWindowWidths()
    groups_limit, singles_limit = asyncio.Semaphore(GROUPS_AT_ONCE), asyncio.Semaphore(SINGLES_AT_ONCE)

    async def compute_group(streams: Sequence[ObservedStream]) -> list[Report]:
        async with groups_limit:
            windows = await query_windows(store, [stream.selector for stream in streams], min_widths)
            if None not in windows:
                return [await compute_one(stream, known) for stream, known in zip(streams, windows, strict=True)]
        async with query_together() as group:
            tasks = [group.create_task(one) for one in map(compute_in_turn, streams, windows)]
        return [task.result() for task in tasks]

    async def compute_in_turn(stream: ObservedStream, windows: Sequence[Bin] | None) -> Report:
        async with singles_limit:
            return await compute_one(stream, windows)

    async def compute_one(stream: ObservedStream, windows: Sequence[Bin] | None) -> Report:
        await asyncio.sleep(0)  # let other tasks run
        return await query_availability(
            store,
            stream.selector,
            instrument.deployments,
            stream.rules,
            name=stream.title,
            start_ns=start_ns,
            end_ns=end_ns,
            now_ns=now_ns,
            min_widths=min_widths,
            windows=windows,
        )

    async with query_together() as group:
        tasks = [group.create_task(compute_group(one)) for one in _split_into_groups(instrument.streams)]
    return [report for task in tasks for report in task.result()]


def _split_into_groups(streams: Sequence[ObservedStream]) -> Iterator[Sequence[ObservedStream]]:
    at = 0
    for size in chain(GROUP_SIZES, repeat(GROUP_SIZES[-1])):
        if at >= len(streams):
            return
        yield streams[at : at + size]
        at += size


def choose_min_widths(instrument: Instrument, start_ns: int, end_ns: int, now_ns: int) -> MinWindowWidths:
    """Choose windows for a drawing: as narrow as the number of streams and the length of the range allow.

    Within the range they are those of the rules, if these are not too many. Outside it, where they serve only means
    and limits, they are a day wide.
    """
    share = MOST_WINDOWS // max(len(instrument.streams), 1)
    for inside_ns in _WIDTHS:
        counts = [
            _count_rows(instrument, one, inside_ns, start_ns, end_ns, now_ns) for one in _rules_of(instrument)
        ]
        if max(counts, default=0) <= share:
            return MinWindowWidths(inside_ns, DAY_NS)
    return MinWindowWidths(_WIDTHS[-1], DAY_NS)


def _rules_of(instrument: Instrument) -> set[Rules]:
    return {stream.rules for stream in instrument.streams}


def _count_rows(
    instrument: Instrument, rules: Rules, inside_ns: int, start_ns: int, end_ns: int, now_ns: int
) -> int:
    """Count the rows that a store has to read within the range; its rollups are a minute, an hour or a day wide."""
    total = 0
    for span in compute_spans(instrument.deployments, rules, now_ns=now_ns):
        length_ns = min(span.end_ns, end_ns, now_ns) - max(span.start_ns, start_ns)
        if length_ns > 0:
            every_ns = max(span.every_ns, inside_ns)
            row_ns = next((width for width in (DAY_NS, HOUR_NS, MINUTE_NS) if every_ns % width == 0), every_ns)
            total += length_ns // min(row_ns, every_ns) + 1
    return total
