"""Arguments of reports: presets by name, and times of any kind."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy
import pandas
import pyarrow
import pytest
import xarray

from tsmon import AvailabilityError
from tsmon.availability import (
    BINS,
    EXACT,
    Deployment,
    bin_times,
    compute_availability,
    compute_intervals,
    compute_spans,
    query_availability,
)
from tsmon.availability.flux import compute_availability_in_influxdb
from tsmon.stores import Selector, Store
from tsmon.stores.influxdb import InfluxStore

S = 1_000_000_000
START = 1_714_521_600 * S
DAY = 86_400 * S
MAY = [START + n * 3600 * S for n in range(72) if not 30 <= n < 40]

START_OF_MAY = [
    pandas.Timestamp("2024-05-01"),
    pandas.Timestamp("2024-05-01 09:00", tz="Asia/Tokyo"),
    datetime(2024, 5, 1),  # noqa: DTZ001
    datetime(2024, 5, 1, tzinfo=UTC),
    date(2024, 5, 1),
    "2024-05-01",
    "2024-05-01T02:00:00+02:00",
    numpy.datetime64("2024-05-01"),
    numpy.array("2024-05-01", dtype="datetime64[s]"),
    xarray.DataArray(numpy.array(["2024-05-01"], dtype="datetime64[ns]"), dims="time")[0],
    numpy.int64(START),
    float(START // S),
    pandas.Period("2024-05"),
    pyarrow.scalar(START, pyarrow.timestamp("ns")),
]


@pytest.mark.parametrize(
    "start", START_OF_MAY, ids=lambda start: f"{type(start).__module__}.{type(start).__name__}"
)
def test_start_end_now_and_deployments_take_times_of_any_kind(start: Any) -> None:
    deployment = Deployment(1, start, pandas.Timestamp("2024-05-04"))
    assert deployment == Deployment(1, START, START + 3 * DAY) == Deployment.between(1, start, "2024-05-04")
    assert (type(deployment.start_ns), type(deployment.end_ns)) == (int, int)
    expected = compute_availability(MAY, [Deployment(1, 0)], start_ns=START, end_ns=START + DAY, now_ns=START + DAY)
    assert (
        compute_availability(MAY, Deployment(1, 0), start_ns=start, end_ns="2024-05-02", now_ns="2024-05-02")
        == expected
    )
    spans = compute_spans([deployment], "exact", now_ns="2024-06-01")
    assert spans == compute_spans([deployment], EXACT, now_ns=START + 31 * DAY)
    intervals = compute_intervals(bin_times(MAY, spans), [deployment], "exact", now_ns="2024-06-01", start_ns=start)
    assert intervals == compute_availability(MAY, [deployment], now_ns="2024-06-01").intervals


@pytest.mark.parametrize(
    "end",
    [
        None,
        pandas.NaT,
        float("nan"),
        numpy.datetime64("NaT", "s"),
        pandas.NA,
        "",
        pyarrow.scalar(None, pyarrow.timestamp("ns")),
        numpy.array("NaT", dtype="datetime64[s]"),
        xarray.DataArray(numpy.array(["NaT"], dtype="datetime64[ns]"), dims="time")[0],
    ],
)
def test_a_deployment_whose_end_is_missing_is_still_running(end: Any) -> None:
    assert Deployment(1, START, end) == Deployment.between(1, START, end) == Deployment(1, START)


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (lambda: Deployment(3, "May"), "deployment 3: start: 'May' is not a time; write "),
        (lambda: Deployment(3, None), "deployment 3: start: the time is missing (None); give one"),
        (lambda: Deployment(3, START, object()), "deployment 3: end: time is of type object; give a date, "),
        (
            lambda: Deployment(3, 1.7e18),
            "deployment 3: start: 1.7e+18 in seconds is after 2100; it looks like nanos",
        ),
        (lambda: Deployment("A", START), "the number of a deployment is 'A'; give an integer"),
        (lambda: Deployment.between(3, pandas.NaT), "deployment 3: start: the time is missing (NaT); give one"),
        (lambda: compute_availability(MAY, start_ns="x"), "start_ns: 'x' is not a time; write "),
        (lambda: compute_availability(MAY, end_ns=[START]), "end_ns: time is of type list; give a date, "),
        (lambda: compute_availability(MAY, now_ns=True), "now_ns: time is True; give a date, "),
        (
            lambda: compute_availability(MAY, start_ns=1e12),
            "start_ns: 1000000000000.0 in seconds is after 2100; it ",
        ),
        (
            lambda: compute_availability(MAY, (START, None)),
            "deployments[0] is of type int; give a list of Deployment(",
        ),
        (lambda: compute_availability(MAY, "all"), "deployments is of type str; give a list of Deployment("),
        (lambda: compute_availability(MAY, 5), "deployments is of type int; give a list of Deployment("),
        (
            lambda: compute_availability(MAY, rules="exakt"),
            "there is no preset 'exakt'; give 'exact' or 'bins', or ",
        ),
        (lambda: compute_availability(MAY, rules=None), "rules is of type NoneType; give 'exact' or 'bins', or "),
        (
            lambda: compute_spans([], {"gaps": "bins"}, now_ns=0),
            "rules is of type dict; give 'exact' or 'bins', or ",
        ),
        (lambda: compute_intervals([], [], "x", now_ns=0), "there is no preset 'x'; give 'exact' or 'bins', or "),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(attempt: Callable[[], Any], reason: str) -> None:
    with pytest.raises(AvailabilityError) as refused:
        attempt()
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize("end_ns", [START + DAY, START])
def test_an_empty_range_has_no_interval(end_ns: int) -> None:
    report = compute_availability(MAY, start_ns=START + DAY, end_ns=end_ns)
    assert (report.intervals, report.start_ns, report.end_ns) == ([], START + DAY, START + DAY)
    assert sum(total.points for total in report.totals.values()) == 0


@pytest.mark.parametrize(("name", "rules"), [("exact", EXACT), ("bins", BINS)])
def test_presets_have_names(name: str, rules: Any) -> None:
    assert compute_availability(MAY, rules=name) == compute_availability(MAY, rules=rules)


async def test_reports_on_every_store_take_the_same_arguments(store: Store) -> None:
    await store.write("\n".join(f"ctd v=1 {time_ns}" for time_ns in MAY).encode())
    selector = Selector("ctd", "v")
    queries: list[Callable[..., Awaitable[Any]]] = [query_availability]
    if isinstance(store, InfluxStore):
        queries.append(compute_availability_in_influxdb)
    for query in queries:
        for name, rules in (("exact", EXACT), ("bins", BINS)):
            found = await query(
                store,
                selector,
                Deployment(1, pandas.Timestamp("2024-05-01"), "2024-05-04"),
                name,
                start_ns=date(2024, 5, 2),
                end_ns=numpy.datetime64("2024-05-03"),
                now_ns=datetime(2024, 6, 1),  # noqa: DTZ001
            )
            assert found == await query(
                store,
                selector,
                [Deployment(1, START, START + 3 * DAY)],
                rules,
                start_ns=START + DAY,
                end_ns=START + 2 * DAY,
                now_ns=START + 31 * DAY,
            )
        with pytest.raises(AvailabilityError, match=r"^there is no preset 'no'; give 'exact' or 'bins'"):
            await query(store, selector, [], "no")
        with pytest.raises(AvailabilityError, match=r"^start_ns: 'x' is not a time"):
            await query(store, selector, [], start_ns="x")
        with pytest.raises(
            AvailabilityError, match=r"^deployments\[0\] is of type tuple; give a list of Deployment"
        ):
            await query(store, selector, [(1, START)])
