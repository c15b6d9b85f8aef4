"""The report on an array of times."""

import time
from collections.abc import Iterable

from tsmon.availability.binning import bin_times
from tsmon.availability.deployments import END_NS, Deployment, compute_spans
from tsmon.availability.reports import Report, build_report
from tsmon.availability.rules import EXACT, Rules
from tsmon.availability.time_arrays import Times, normalize_times
from tsmon.availability.timeline import compute_timeline

__all__ = ["compute_availability"]


def compute_availability(
    times: Times,
    deployments: Iterable[Deployment] | None = None,
    rules: Rules = EXACT,
    *,
    name: str = "data",
    start_ns: int | None = None,
    end_ns: int | None = None,
    now_ns: int | None = None,
) -> Report:
    """Gaps and sparsity of data with these times; needs no store.

    ``times`` are integer nanoseconds, float seconds or aware datetimes, in any order: a list, an
    ``array.array("q")``, a NumPy array of integers, floats or ``datetime64``, a ``DatetimeIndex`` or ``Series`` of
    pandas. Arrays without a time zone are UTC. Duplicate times count once. Without ``deployments``, data are
    expected from the first time to the last, which must differ. The report covers all that is expected, or
    ``start_ns`` to ``end_ns``. Open deployments end at ``now_ns``, by default now. The rules are those of
    :func:`~tsmon.availability.compute_intervals`. Raises :class:`~tsmon.errors.AvailabilityError` for anything that
    is not a time.
    """
    times_ns = normalize_times(times)
    if deployments is None:
        # The end of a deployment is exclusive, but the last time is part of it.
        deployments = [Deployment(1, int(times_ns[0]), int(times_ns[-1]) + 1)] if len(times_ns) > 1 else []
        now_ns = END_NS
    spans = compute_spans(deployments, rules, now_ns=time.time_ns() if now_ns is None else now_ns)
    timeline = compute_timeline(bin_times(times_ns, spans), spans, rules)
    return build_report(timeline, rules, name=name, start_ns=start_ns, end_ns=end_ns)
