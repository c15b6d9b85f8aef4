"""The report on an array of one's own."""

import time
from collections.abc import Iterable

from tsmon.availability.binning import bins_of
from tsmon.availability.deployments import END_NS, Deployment, spans
from tsmon.availability.reports import Report, report_of
from tsmon.availability.rules import EXACT, Rules
from tsmon.availability.time_arrays import Times, increasing
from tsmon.availability.timeline import timeline

__all__ = ["report"]


def report(
    times: Times,
    deployments: Iterable[Deployment] | None = None,
    rules: Rules = EXACT,
    *,
    name: str = "data",
    start_ns: int | None = None,
    end_ns: int | None = None,
    now_ns: int | None = None,
) -> Report:
    """Gaps and sparsity of data that have these times; needs no store.

    ``times`` are integer nanoseconds, float seconds or aware datetimes, in any order: a list, an
    ``array.array("q")``, a NumPy array of integers, floats or ``datetime64``, a ``DatetimeIndex`` or ``Series`` of
    pandas; arrays without a time zone are UTC. A time that is there twice counts once. Without ``deployments``
    data are expected from the first time to the last, which must differ. The report is about all that is
    expected, or about ``start_ns`` to ``end_ns``. Open deployments end at ``now_ns``, by default now. The rules are
    those of :func:`~tsmon.availability.intervals`. Raises :class:`~tsmon.errors.AvailabilityError` for what is no
    time.
    """
    times_ns = increasing(times)
    if deployments is None:
        # The end of a deployment lies outside, and the last time inside.
        deployments = [Deployment(1, int(times_ns[0]), int(times_ns[-1]) + 1)] if len(times_ns) > 1 else []
        now_ns = END_NS
    found = spans(deployments, rules, now_ns=time.time_ns() if now_ns is None else now_ns)
    known = timeline(bins_of(times_ns, found), found, rules)
    return report_of(known, rules, name=name, start_ns=start_ns, end_ns=end_ns)
