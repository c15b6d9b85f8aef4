"""The report on a stream in a store."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tsmon.availability.deployments import Deployment, Span, compute_spans
from tsmon.availability.reported_bins import read_reported_bins, selects_reported_bins
from tsmon.availability.reports import Report, build_report
from tsmon.availability.rules import EXACT, Rules
from tsmon.availability.timeline import compute_timeline
from tsmon.stores import Bin, Retention, Selector, Store, WindowedSpan

__all__ = ["MinWindowWidths", "query_availability"]


@dataclass(frozen=True, slots=True)
class MinWindowWidths:
    """BinColumns narrower than these are not asked for, within the report's time and outside of it.

    Gaps that lie within one window are then not seen; all that are wider are, with their exact edges. Where all
    windows are of one width, one that crosses the edge of a deployment counts on both sides. A long report is so
    drawn from few windows.
    """

    inside_ns: int = 0
    outside_ns: int = 0


_AS_THE_RULES_SAY: Final = MinWindowWidths()


async def query_availability(
    store: Store,
    selector: Selector,
    deployments: Iterable[Deployment],
    rules: Rules = EXACT,
    *,
    name: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    now_ns: int | None = None,
    min_widths: MinWindowWidths = _AS_THE_RULES_SAY,
    windows: Sequence[Bin] | None = None,
) -> Report:
    """Gaps and sparsity of the selected points, all series of the selection together.

    A selector of the measurement ``stream_bins`` names bins that are given (:class:`~tsmon.points.StreamBin`); they
    are taken as they are, must not overlap, and gaps within them are not seen.

    The store is asked for bins, about ``1 / rules.gap_fraction`` for a deployment (see
    :meth:`~tsmon.availability.Rules.every_ns`, or :func:`kept_parts` where the points have gone), always of all
    data, since limits and means are those of the whole;
    ``start_ns`` and ``end_ns`` only cut the report. ``name`` is by default the measurement. With gaps between bins,
    ``min_widths`` changes nothing. ``windows`` are all windows of ``min_widths.inside_ns``, if already known: the
    store is not queried where these are what it would answer. Else as
    :func:`~tsmon.availability.compute_availability`; raises what the store raises.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    found, shown = _expected(tuple(deployments), rules, now_ns, start_ns, end_ns)
    bins = await read_reported_bins(store, selector) if selects_reported_bins(selector) else []
    parts = [
        part
        for span in (() if selects_reported_bins(selector) else found)
        for part in _parts(span, rules, shown, min_widths)
    ]
    coarse = min_widths.inside_ns > 0 and {every_ns for _, _, every_ns in parts} == {min_widths.inside_ns}
    if coarse and windows is not None:
        return _report(windows, found, rules, name or selector.measurement, start_ns, end_ns)
    kept = await store.retention(selector.measurement)
    if coarse:
        # What lies within one of these is not seen anyway, and whole ones are answered from rollups, also where
        # they cross an edge of a span.
        kept = [one if one.every_ns else Retention(min_widths.inside_ns, one.from_ns) for one in kept]
    asked = [WindowedSpan(*one) for part in parts for one in split_by_retention(*part, kept)]
    for told in await store.bins_of_spans(selector, asked):
        # What reaches over an edge is asked for on both sides of it.
        bins += told[1:] if told and bins and told[0] == bins[-1] else told
    return _report(bins, found, rules, name or selector.measurement, start_ns, end_ns)


@lru_cache(16)
def _expected(
    deployments: tuple[Deployment, ...], rules: Rules, now_ns: int, start_ns: int | None, end_ns: int | None
) -> tuple[Sequence[Span], tuple[int, int]]:
    """Spans, and what is shown of them: the same for hundreds of streams of one instrument."""
    found = compute_spans(deployments, rules, now_ns=now_ns)
    return found, compute_timeline([], found, rules).resolve_range(start_ns, end_ns)


def _report(
    bins: Sequence[Bin],
    found: Sequence[Span],
    rules: Rules,
    name: str,
    start_ns: int | None,
    end_ns: int | None,
) -> Report:
    return build_report(compute_timeline(bins, found, rules), rules, name=name, start_ns=start_ns, end_ns=end_ns)


def split_by_retention(
    start_ns: int, stop_ns: int, every_ns: int, kept: Sequence[Retention]
) -> list[tuple[int, int, int]]:
    """Start, end and windows of the parts of a span, by what retention has left of each.

    Where narrower windows cannot be answered any more, they are as wide as the rollups that are left: gaps within
    one are not seen there, but nothing is taken for missing only because it is not known as exactly as it was. A
    rollup that crosses an edge of the span is a part of its own, which reaches over the edge.
    """
    widths = [-(-every_ns // one.every_ns) * one.every_ns if one.every_ns else every_ns for one in kept]
    # Where each begins to be of use: where windows of the next wider one that is used are whole.
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
            parts = _whole(low_ns, left_ns, widths[index], one.every_ns) + parts
            left_ns = low_ns
    return parts


def _whole(start_ns: int, stop_ns: int, width_ns: int, tier_ns: int) -> list[tuple[int, int, int]]:
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


def _parts(
    span: Span, rules: Rules, shown: tuple[int, int], min_widths: MinWindowWidths
) -> Iterator[tuple[int, int, int]]:
    """Start, end and windows of what is asked of a span: windows are cut at its edges, and nowhere else."""
    if rules.gaps == "bins":
        yield span.start_ns, span.end_ns, span.every_ns
        return
    inside_ns, outside_ns = max(span.every_ns, min_widths.inside_ns), max(span.every_ns, min_widths.outside_ns)
    widest_ns = max(inside_ns, outside_ns)
    low_ns = min(max(shown[0] // widest_ns * widest_ns, span.start_ns), span.end_ns)
    high_ns = min(max(-(-shown[1] // widest_ns) * widest_ns, low_ns), span.end_ns)
    if inside_ns == outside_ns:
        low_ns, high_ns = span.start_ns, span.end_ns
    for start_ns, end_ns, every_ns in (
        (span.start_ns, low_ns, outside_ns),
        (low_ns, high_ns, inside_ns),
        (high_ns, span.end_ns, outside_ns),
    ):
        if start_ns < end_ns:
            yield start_ns, end_ns, every_ns
