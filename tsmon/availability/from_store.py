"""The report on a stream in a store."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tsmon.availability.arguments import find_rules, read_range
from tsmon.availability.deployments import Deployment, Span, check_deployments, compute_spans
from tsmon.availability.joined_windows import append_windows
from tsmon.availability.reported_bins import read_reported_bins, selects_reported_bins
from tsmon.availability.reports import Report, build_report
from tsmon.availability.rules import EXACT, PresetName, Rules
from tsmon.availability.timeline import compute_timeline
from tsmon.availability.times import AnyTime, to_duration_ns
from tsmon.stores import Bin, Retention, Selector, Store, WindowedSpan

__all__ = ["MinWindowWidths", "query_availability"]


@dataclass(frozen=True, slots=True)
class MinWindowWidths:
    """Least widths of the windows to query, inside and outside the report's range; few windows make a long report.

    Gaps within one window are then not found; wider ones are, with their exact edges. If all windows have one
    width, a window that crosses the edge of a deployment counts on both sides. Durations of other kinds are
    accepted too, such as ``"6min"``.
    """

    inside_ns: int = 0
    outside_ns: int = 0

    def __post_init__(self) -> None:
        for name in ("inside_ns", "outside_ns"):
            if type(width := getattr(self, name)) is not int:
                object.__setattr__(self, name, to_duration_ns(width, name, has_unit=True))


_NO_MINIMUM: Final = MinWindowWidths()


async def query_availability(
    store: Store,
    selector: Selector,
    deployments: Iterable[Deployment] | Deployment,
    rules: Rules | PresetName = EXACT,
    *,
    name: str | None = None,
    start_ns: AnyTime | None = None,
    end_ns: AnyTime | None = None,
    now_ns: AnyTime | None = None,
    min_widths: MinWindowWidths = _NO_MINIMUM,
    windows: Sequence[Bin] | None = None,
) -> Report:
    """Gaps and sparsity of the selected points, of all selected series together.

    A selector of the measurement ``stream_bins`` selects reported bins (:class:`~tsmon.points.StreamBin`). They are
    used as reported and must not overlap; gaps within them are not found.

    The store is queried for bins of all data, since limits and means are those of the whole; ``start_ns`` and
    ``end_ns`` only cut the report. There are about ``1 / rules.gap_fraction`` bins per deployment (see
    :meth:`~tsmon.availability.Rules.every_ns`, and :func:`split_by_retention` for times whose points are gone).
    ``name`` is by default the measurement. With gaps between bins, ``min_widths`` changes nothing. ``windows`` are
    all windows of ``min_widths.inside_ns``, if already known: the store is not queried if these are what it would
    return. Otherwise as :func:`~tsmon.availability.compute_availability`. Raises what the store raises.
    """
    rules = find_rules(rules)
    start_ns, end_ns, now_ns = read_range(start_ns, end_ns, now_ns)
    spans, report_range = _compute_spans(tuple(check_deployments(deployments)), rules, now_ns, start_ns, end_ns)
    bins = await read_reported_bins(store, selector) if selects_reported_bins(selector) else []
    parts = [
        part
        for span in (() if selects_reported_bins(selector) else spans)
        for part in _split_by_widths(span, rules, report_range, min_widths)
    ]
    coarse = min_widths.inside_ns > 0 and {every_ns for _, _, every_ns in parts} == {min_widths.inside_ns}
    if coarse and windows is not None:
        return _build_report(windows, spans, rules, name or selector.measurement, start_ns, end_ns)
    kept = await store.retention(selector.measurement, selector.tags)
    if coarse:
        # Gaps within one of these windows are not found anyway, and whole windows are answered from rollups, even
        # if they cross an edge of a span.
        kept = [one if one.every_ns else Retention(min_widths.inside_ns, one.from_ns) for one in kept]
    queries = [WindowedSpan(*one) for part in parts for one in split_by_retention(*part, kept)]
    for answer in await store.bins_of_spans(selector, queries):
        append_windows(bins, answer)
    return _build_report(bins, spans, rules, name or selector.measurement, start_ns, end_ns)


@lru_cache(16)
def _compute_spans(
    deployments: tuple[Deployment, ...], rules: Rules, now_ns: int, start_ns: int | None, end_ns: int | None
) -> tuple[Sequence[Span], tuple[int, int]]:
    """Spans, and the range of the report: the same for hundreds of streams of one instrument."""
    spans = compute_spans(deployments, rules, now_ns=now_ns)
    return spans, compute_timeline([], spans, rules).resolve_range(start_ns, end_ns)


def _build_report(
    bins: Sequence[Bin],
    spans: Sequence[Span],
    rules: Rules,
    name: str,
    start_ns: int | None,
    end_ns: int | None,
) -> Report:
    return build_report(compute_timeline(bins, spans, rules), rules, name=name, start_ns=start_ns, end_ns=end_ns)


def split_by_retention(
    start_ns: int, stop_ns: int, every_ns: int, kept: Sequence[Retention]
) -> list[tuple[int, int, int]]:
    """Start, end and window width of the parts of a span, by what retention has left of each.

    Where narrower windows are no longer available, windows are as wide as the remaining rollups. Gaps within one
    are not found there, but nothing counts as missing only because it is now known less exactly. A rollup that
    crosses an edge of the span is a part of its own, which extends beyond the edge.
    """
    widths = [-(-every_ns // one.every_ns) * one.every_ns if one.every_ns else every_ns for one in kept]
    # Each begins where windows of the next wider one in use are whole.
    begins = [start_ns] * len(kept)
    for index in range(len(kept) - 2, -1, -1):
        if kept[index].from_ns > start_ns:
            for older in range(index + 1, len(kept)):
                begins[index] = -(-kept[index].from_ns // widths[older]) * widths[older]
                if begins[older] < begins[index]:
                    break
    parts: list[tuple[int, int, int]] = []
    left_ns = stop_ns
    for index, one in enumerate(kept):
        low_ns = max(begins[index], start_ns)
        if low_ns < left_ns:
            parts = _split_at_rollups(low_ns, left_ns, widths[index], one.every_ns) + parts
            left_ns = low_ns
    return parts


def _split_at_rollups(start_ns: int, stop_ns: int, width_ns: int, tier_ns: int) -> list[tuple[int, int, int]]:
    """A part of a span that is answered from rollups of ``tier_ns`` (0: points)."""
    if not tier_ns:
        return [(start_ns, stop_ns, width_ns)]
    low_ns, high_ns = -(-start_ns // tier_ns) * tier_ns, stop_ns // tier_ns * tier_ns
    edges = []
    if start_ns < low_ns:
        edges.append((low_ns - tier_ns, low_ns, tier_ns))
    if low_ns < high_ns:
        edges.append((low_ns, high_ns, width_ns))
    if low_ns <= high_ns < stop_ns:
        edges.append((high_ns, high_ns + tier_ns, tier_ns))
    return edges


def _split_by_widths(
    span: Span, rules: Rules, report_range: tuple[int, int], min_widths: MinWindowWidths
) -> Iterator[tuple[int, int, int]]:
    """Start, end and window width of the parts of a span to query; windows are cut only at its edges."""
    if rules.gaps == "bins":
        yield span.start_ns, span.end_ns, span.every_ns
        return
    inside_ns, outside_ns = max(span.every_ns, min_widths.inside_ns), max(span.every_ns, min_widths.outside_ns)
    widest_ns = max(inside_ns, outside_ns)
    low_ns = min(max(report_range[0] // widest_ns * widest_ns, span.start_ns), span.end_ns)
    high_ns = min(max(-(-report_range[1] // widest_ns) * widest_ns, low_ns), span.end_ns)
    if inside_ns == outside_ns:
        low_ns, high_ns = span.start_ns, span.end_ns
    for start_ns, end_ns, every_ns in (
        (span.start_ns, low_ns, outside_ns),
        (low_ns, high_ns, inside_ns),
        (high_ns, span.end_ns, outside_ns),
    ):
        if start_ns < end_ns:
            yield start_ns, end_ns, every_ns
