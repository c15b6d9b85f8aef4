"""The report on a stream in a store."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tsmon.availability.deployments import Deployment, Span, spans
from tsmon.availability.given import are_given, given_bins
from tsmon.availability.reports import Report, report_of
from tsmon.availability.rules import EXACT, Rules
from tsmon.availability.timeline import timeline
from tsmon.stores import Selector, Store

__all__ = ["Narrowest", "availability_of"]


@dataclass(frozen=True, slots=True)
class Narrowest:
    """Windows narrower than these are not asked for, within the report's time and outside of it.

    Gaps that lie within one window are then not seen; all that are wider are, with their exact edges. A long report
    is so drawn from few windows.
    """

    inside_ns: int = 0
    outside_ns: int = 0


_AS_THE_RULES_SAY: Final = Narrowest()


async def availability_of(
    store: Store,
    selector: Selector,
    deployments: Iterable[Deployment],
    rules: Rules = EXACT,
    *,
    name: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    now_ns: int | None = None,
    narrowest: Narrowest = _AS_THE_RULES_SAY,
) -> Report:
    """Gaps and sparsity of the selected points, all series of the selection together.

    A selector of the measurement ``stream_bins`` names bins that are given (:class:`~tsmon.points.StreamBin`); they
    are taken as they are, must not overlap, and gaps within them are not seen.

    The store is asked for bins, about ``1 / rules.gap_fraction`` for a deployment (see
    :meth:`~tsmon.availability.Rules.every_ns`), always of all data, since limits and means are those of the whole;
    ``start_ns`` and ``end_ns`` only cut the report. ``name`` is by default the measurement. With gaps between bins,
    ``narrowest`` changes nothing. Else as :func:`~tsmon.availability.report`; raises what the store raises.
    """
    found = spans(deployments, rules, now_ns=time.time_ns() if now_ns is None else now_ns)
    shown = timeline([], found, rules).window(start_ns, end_ns)
    bins = await given_bins(store, selector) if are_given(selector) else []
    for span in () if are_given(selector) else found:
        for start, stop, every in _parts(span, rules, shown, narrowest):
            bins += await store.bins(selector, start_ns=start, stop_ns=stop, every_ns=every)
    name = selector.measurement if name is None else name
    return report_of(timeline(bins, found, rules), rules, name=name, start_ns=start_ns, end_ns=end_ns)


def _parts(
    span: Span, rules: Rules, shown: tuple[int, int], narrowest: Narrowest
) -> Iterator[tuple[int, int, int]]:
    """Start, end and windows of what is asked of a span: windows are cut at its edges, and nowhere else."""
    if rules.gaps == "bins":
        yield span.start_ns, span.end_ns, span.every_ns
        return
    inside_ns, outside_ns = max(span.every_ns, narrowest.inside_ns), max(span.every_ns, narrowest.outside_ns)
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
