"""The report on a stream in a store."""

import time
from collections.abc import Iterable

from tsmon.availability.deployments import Deployment, spans
from tsmon.availability.reports import Report, report_of
from tsmon.availability.rules import EXACT, Rules
from tsmon.availability.timeline import timeline
from tsmon.stores import Bin, Selector, Store

__all__ = ["availability_of"]


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
) -> Report:
    """Gaps and sparsity of the selected points, all series of the selection together.

    The store is asked for bins, about ``1 / rules.gap_fraction`` for a deployment (see
    :meth:`~tsmon.availability.Rules.every_ns`), always of all data, since limits and means are those of the whole;
    ``start_ns`` and ``end_ns`` only cut the report. ``name`` is by default the measurement. Else as
    :func:`~tsmon.availability.report`; raises what the store raises.
    """
    found = spans(deployments, rules, now_ns=time.time_ns() if now_ns is None else now_ns)
    bins: list[Bin] = []
    for span in found:
        bins += await store.bins(selector, start_ns=span.start_ns, stop_ns=span.end_ns, every_ns=span.every_ns)
    name = selector.measurement if name is None else name
    return report_of(timeline(bins, found, rules), rules, name=name, start_ns=start_ns, end_ns=end_ns)
