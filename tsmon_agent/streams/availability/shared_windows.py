"""Windows of several streams of one measurement and field, by one question to the store."""

from collections.abc import Sequence

from tsmon.availability import MinWindowWidths
from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.stores import Bin, Selector, Store
from tsmon_agent.streams.inventory.series_index import SeriesIndex

__all__ = ["query_windows"]

BEGINNING_NS = -(2**63)
END_NS = 2**63 - 1


async def query_windows(
    store: Store, selectors: Sequence[Selector], min_widths: MinWindowWidths
) -> Sequence[Sequence[Bin] | None]:
    """Windows of width ``min_widths.inside_ns`` of each selection; None where it is better queried singly."""
    found: list[Sequence[Bin] | None] = [None] * len(selectors)
    every_ns = min_widths.inside_ns
    if not every_ns or every_ns != min_widths.outside_ns:
        return found
    questions: dict[tuple[str, str], dict[int, Selector]] = {}
    for number, selector in enumerate(selectors):
        if not selects_reported_bins(selector):
            questions.setdefault((selector.measurement, selector.field), {})[number] = selector
    for asked in questions.values():
        if len(asked) < 2:
            continue
        told = await store.windows([*asked.values()], start_ns=BEGINNING_NS, stop_ns=END_NS, every_ns=every_ns)
        if told is None:
            continue
        index = SeriesIndex(asked)
        mine: dict[int, list[Sequence[Bin]]] = {number: [] for number in asked}
        for tags, bins in told:
            for number in index.of(tags):
                mine[number].append(bins)
        for number, series in mine.items():
            found[number] = series[0] if len(series) == 1 else _joined(series)
    return found


def _joined(series: Sequence[Sequence[Bin]]) -> list[Bin]:
    """Windows of several series as those of one."""
    windows: dict[int, Bin] = {}
    for bins in series:
        for one in bins:
            other = windows.get(one.start_ns)
            windows[one.start_ns] = (
                one
                if other is None
                else Bin(
                    one.start_ns,
                    min(one.first_ns, other.first_ns),
                    max(one.last_ns, other.last_ns),
                    one.count + other.count,
                )
            )
    return [windows[start] for start in sorted(windows)]
