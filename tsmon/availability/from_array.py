"""The report on an array of times."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from operator import sub
from typing import Final

from tsmon.availability.arguments import find_rules, read_range
from tsmon.availability.binning import bin_times
from tsmon.availability.categories import Category
from tsmon.availability.deployments import END_NS, Deployment, compute_spans
from tsmon.availability.interval import Interval
from tsmon.availability.reports import Report, build_report
from tsmon.availability.rules import EXACT, PresetName, Rules
from tsmon.availability.time_arrays import Times, read_times
from tsmon.availability.timeline import compute_timeline
from tsmon.availability.times import AnyTime
from tsmon.errors import AvailabilityError
from tsmon.time_units import MILLISECOND_NS, SECOND_NS

__all__ = ["compute_availability"]

_WRONG_UNITS_NS: Final = {"seconds": SECOND_NS, "milliseconds": MILLISECOND_NS}


def compute_availability(
    times: Times,
    deployments: Iterable[Deployment] | Deployment | None = None,
    rules: Rules | PresetName = EXACT,
    *,
    unit: str | None = None,
    name: str = "data",
    start_ns: AnyTime | None = None,
    end_ns: AnyTime | None = None,
    now_ns: AnyTime | None = None,
) -> Report:
    """Gaps and sparsity of data with these times; needs no store.

    ``times`` are datetimes, dates, ISO 8601 texts, integer nanoseconds or float seconds, in any order, in a list or
    in an array, column or index of NumPy, pandas, polars, Arrow or xarray. A Series or DataFrame of pandas with a
    DatetimeIndex means its index, without the rows that have no value. Times without a zone are UTC. Numbers before
    1990 or after 2100 are refused unless ``unit`` says what they count: ``"ns"``, ``"us"``, ``"ms"``, ``"s"``,
    ``"min"``, ``"h"`` or ``"D"``, since 1970. Missing times (NaT, None, NA, NaN, masked) are left out and counted
    in ``left_out`` of the report. Duplicate times count once.

    ``rules`` are rules or the name of a preset. Without ``deployments``, data are expected from the first time to
    the last, which must differ. The report covers all that is expected, or ``start_ns`` to ``end_ns``. Open
    deployments end at ``now_ns``, by default now. These take times of any kind too; their integers are always
    nanoseconds. The rules are those of :func:`~tsmon.availability.compute_intervals`. Raises
    :class:`~tsmon.errors.AvailabilityError` that names the place for anything that is not a time.
    """
    rules = find_rules(rules)
    start_ns, end_ns, now_ns = read_range(start_ns, end_ns, now_ns)
    times_ns, left_out = read_times(times, unit)
    _check_period(rules, times_ns)
    is_whole = deployments is None
    if deployments is None:
        # The end of a deployment is exclusive, but the last time is part of it.
        deployments = [Deployment(1, int(times_ns[0]), int(times_ns[-1]) + 1)] if len(times_ns) > 1 else []
        now_ns = END_NS
    spans = compute_spans(deployments, rules, now_ns=now_ns)
    timeline = compute_timeline(bin_times(times_ns, spans), spans, rules)
    if is_whole:
        timeline = replace(timeline, intervals=_isolate_last_time(timeline.intervals))
    return build_report(timeline, rules, name=name, start_ns=start_ns, end_ns=end_ns, left_out=left_out)


def _isolate_last_time(intervals: Sequence[Interval]) -> Sequence[Interval]:
    """Without deployments, a last time after a gap is isolated, as a first one before a gap is, not present."""
    if len(intervals) < 3:
        return intervals
    missing, last, outside = intervals[-3:]
    if missing.category is not Category.MISSING or last.end_ns - last.start_ns > 1:
        return intervals
    joined = replace(missing, end_ns=last.end_ns, isolated=missing.isolated + last.count)
    return [*intervals[:-3], joined, outside]


def _check_period(rules: Rules, times_ns: Sequence[int]) -> None:
    """Refuse a period in seconds or milliseconds, such as 360 for data six minutes apart: all would be Missing."""
    number = len(times_ns) - 1
    if rules.gaps != "points" or rules.period_ns is None or number < 1:
        return
    if int(times_ns[-1]) - int(times_ns[0]) < MILLISECOND_NS // 4 * rules.period_ns * number:
        return
    typical_ns = sorted(map(sub, islice(map(int, times_ns), 1, None), map(int, times_ns)))[number // 2]
    for unit, unit_ns in _WRONG_UNITS_NS.items():
        if typical_ns <= 2 * rules.period_ns * unit_ns <= 4 * typical_ns:
            apart = timedelta(microseconds=typical_ns // 1_000)
            raise AvailabilityError(
                f"the period is {rules.period_ns} ns, but the times are {apart} apart; "
                f'it looks like {unit}: give it with its unit, such as period_ns="6min"'
            )
