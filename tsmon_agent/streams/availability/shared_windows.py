"""Windows of several streams with the same measurement and field, from one query to the store."""

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
    """Query windows of width ``min_widths.inside_ns`` for each selector; None if it is better queried singly."""
    found: list[Sequence[Bin] | None] = [None] * len(selectors)
    every_ns = min_widths.inside_ns
    if not every_ns or every_ns != min_widths.outside_ns:
        return found
    by_field: dict[tuple[str, str], dict[int, Selector]] = {}
    for number, selector in enumerate(selectors):
        if not selects_reported_bins(selector):
            by_field.setdefault((selector.measurement, selector.field), {})[number] = selector
    for group in by_field.values():
        if len(group) < 2:
            continue
        answer = await store.windows([*group.values()], start_ns=BEGINNING_NS, stop_ns=END_NS, every_ns=every_ns)
        if answer is None:
            continue
        index = SeriesIndex(group)
        series: dict[int, list[Sequence[Bin]]] = {number: [] for number in group}
        for tags, bins in answer:
            for number in index.of(tags):
                series[number].append(bins)
        for number, parts in series.items():
            found[number] = parts[0] if len(parts) == 1 else _merge(parts)
    return found


def _merge(series: Sequence[Sequence[Bin]]) -> list[Bin]:
    """Merge the windows of several series into those of one."""
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
