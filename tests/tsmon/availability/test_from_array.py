"""The report on an array, and its JSON."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy
import pytest

from tsmon import AvailabilityError
from tsmon.availability import (
    BINS,
    EXACT,
    Category,
    Deployment,
    Interval,
    Rules,
    Total,
    compute_availability,
    format_time_range,
    recolor_appearances,
    reports_to_json,
)

S = 1_000_000_000
T = 1_700_000_000 * S
HOURLY = replace(EXACT, period_ns=3600 * S)
DAY = 86_400 * S


def hours(*ranges: range) -> list[int]:
    return [T + hour * 3600 * S for part in ranges for hour in part]


def test_a_report_on_an_array_is_about_the_time_from_its_first_to_its_last() -> None:
    found = compute_availability(hours(range(100), range(110, 200)), rules=HOURLY)
    assert (found.start_ns, found.end_ns) == (T, T + 199 * 3600 * S + 1)
    assert [str(one) for one in found.intervals] == [
        "2023-11-14 22:13:20 to 2023-11-19 01:13:20 Present (100 points)",
        "2023-11-19 01:13:20 to 2023-11-19 12:13:20 Missing (0 points)",
        "2023-11-19 12:13:20 to 2023-11-23 05:13:20 Present (90 points)",
    ]
    assert found.separation_ns == 3600 * S


def test_an_array_of_the_future_is_expected_too() -> None:
    [present] = compute_availability([10**18 * 5 + i for i in range(2000)], unit="ns").intervals
    assert present.category is Category.PRESENT


def test_deployments_say_what_is_expected() -> None:
    deployments = [Deployment(1, T - DAY, T + DAY), Deployment(2, T + 2 * DAY)]
    found = compute_availability(hours(range(24)), deployments, HOURLY, now_ns=T + 3 * DAY)
    assert [(one.category, one.end_ns - one.start_ns) for one in found.intervals] == [
        (Category.MISSING, DAY),
        (Category.PRESENT, DAY),
        (Category.NOT_EXPECTED, DAY),
        (Category.MISSING, DAY),
    ]
    assert found.totals[Category.MISSING] == Total(2 * DAY, 2, 0)
    assert found.totals[Category.PRESENT] == Total(DAY, 1, 24)
    assert found.totals[Category.SPARSE_1] == Total(0, 0, 0)


def test_an_open_deployment_ends_now_by_default() -> None:
    found = compute_availability(hours(range(24)), [Deployment(1, T)])
    assert found.end_ns > 1_750_000_000 * S


def test_a_report_may_be_about_a_part_of_the_time() -> None:
    found = compute_availability(hours(range(24)), rules=HOURLY, start_ns=T + 5, end_ns=T + 10)
    assert found.intervals == [Interval(T + 5, T + 10, Category.PRESENT, 24, 3600.0 * S)]


@pytest.mark.parametrize("times", [[], [T], numpy.array([], dtype="int64")])
def test_times_that_span_no_time_make_an_empty_report(times: list[int]) -> None:
    found = compute_availability(times)
    assert (list(found.intervals), found.separation_ns) == ([], None)
    assert found.to_json()["availability"][1]["data"] == []


def test_json_has_the_deployments_and_then_the_stream() -> None:
    rules = replace(HOURLY, appearances=recolor_appearances({Category.PRESENT: "#00ff00"}))
    deployments = [Deployment(1, T, T + DAY), Deployment(2, T + DAY)]
    found = compute_availability(
        hours(range(24)), deployments, rules, name="streamed ctd_parsed", now_ns=T + 2 * DAY
    )
    assert json.loads(json.dumps(found.to_json())) == {
        "availability": [
            {
                "measure": "Deployments",
                "categories": {"Deployment: 1": {"color": "#0073cf"}, "Deployment: 2": {"color": "#0073cf"}},
                "data": [
                    ["2023-11-14 22:13:20", "Deployment: 1", "2023-11-15 22:13:20"],
                    ["2023-11-15 22:13:20", "Deployment: 2", "2023-11-16 22:13:20"],
                ],
            },
            {
                "measure": "streamed ctd_parsed",
                "categories": {
                    "Not Expected": {"color": "#ffffff"},
                    "Present": {"color": "#00ff00"},
                    "Sparsity Level 1": {"color": "#7bcb7b"},
                    "Sparsity Level 2": {"color": "#90d890"},
                    "Sparsity Level 3": {"color": "#ace9ac"},
                    "Missing": {"color": "#d9534d"},
                },
                "data": [
                    ["2023-11-14 22:13:20", "Present", "2023-11-15 22:13:20"],
                    ["2023-11-15 22:13:20", "Missing", "2023-11-16 22:13:20"],
                ],
            },
        ]
    }


def test_in_json_seconds_are_cut_and_what_is_empty_then_parts_nothing() -> None:
    """The gap of 0.3 s lies within one second, that of 1.1 s does not."""
    tenth = S // 10
    times = [i * tenth for i in range(1000) if i not in {101, 102} and not 501 <= i <= 510]
    found = compute_availability(times, rules=replace(EXACT, period_ns=tenth), unit="ns")
    assert [one.category for one in found.intervals] == [1, 5, 1, 5, 1]
    assert found.to_json(whole_seconds=True)["availability"][1]["data"] == [
        ["1970-01-01 00:00:00", "Present", "1970-01-01 00:00:50"],
        ["1970-01-01 00:00:50", "Missing", "1970-01-01 00:00:51"],
        ["1970-01-01 00:00:51", "Present", "1970-01-01 00:01:39"],
    ]


def test_texts_and_json_show_the_length_of_a_short_gap() -> None:
    tenth = S // 10
    times = [i * tenth for i in range(30_000) if not 501 <= i <= 510 and i != 20_001]
    found = compute_availability(
        times, [Deployment(1, 0, 3000 * S)], replace(EXACT, period_ns=tenth, gap_fraction=1e-6), unit="ns"
    )
    rows = found.to_json()["availability"][1]["data"]
    assert rows == [
        ["1970-01-01 00:00:00", "Present", "1970-01-01 00:00:50"],
        ["1970-01-01 00:00:50", "Missing", "1970-01-01 00:00:51.100"],
        ["1970-01-01 00:00:51.100", "Present", "1970-01-01 00:50:00"],
    ]
    assert str(found.intervals[1]) == "1970-01-01 00:00:50 to 1970-01-01 00:00:51.100 Missing (0 points)"
    assert all(before[2] == after[0] for before, after in pairwise(rows))


@pytest.mark.parametrize(
    ("length_ns", "texts"),
    [
        (1_000 * S, ("00:00:01", "00:16:41")),
        (1_000 * S - 1, ("00:00:01.234", "00:16:41.234")),
        (S, ("00:00:01.234", "00:00:02.234")),
        (S - 1, ("00:00:01.234567", "00:00:02.234567")),
        (S // 1_000 - 1, ("00:00:01.234567891", "00:00:01.235567890")),
        (0, ("00:00:01.234567891", "00:00:01.234567891")),
    ],
)
def test_times_are_as_exact_as_their_distance_needs(length_ns: int, texts: tuple[str, str]) -> None:
    start_ns = 1_234_567_891
    expected = tuple(f"1970-01-01 {text}" for text in texts)
    assert format_time_range(start_ns, start_ns + length_ns) == expected


def test_in_json_deployments_never_overlap_and_are_cut_to_the_report() -> None:
    deployments = [Deployment(1, 0, 10 * S), Deployment(2, 5 * S, 7 * S)]
    found = compute_availability([], deployments, start_ns=2 * S, end_ns=8 * S, now_ns=T)
    assert found.to_json(whole_seconds=True)["availability"][0]["data"] == [
        ["1970-01-01 00:00:02", "Deployment: 1", "1970-01-01 00:00:05"],
        ["1970-01-01 00:00:05", "Deployment: 2", "1970-01-01 00:00:07"],
        ["1970-01-01 00:00:07", "Deployment: 1", "1970-01-01 00:00:08"],
    ]


def test_times_before_the_epoch_are_cut_downwards() -> None:
    rules = replace(EXACT, period_ns=3_000_000)
    found = compute_availability([-3 * S // 2, -S // 2], rules=rules, unit="ns")
    [row] = found.to_json(whole_seconds=True)["availability"][1]["data"]
    assert row == ["1969-12-31 23:59:58", "Missing", "1969-12-31 23:59:59"]


def test_reports_of_one_instrument_are_told_together() -> None:
    deployments = [Deployment(1, T, T + DAY)]
    reports = [
        compute_availability(hours(range(24)), deployments, HOURLY, name=name)
        for name in ("streamed a", "recovered b")
    ]
    measures = reports_to_json(reports)["availability"]
    assert [measure["measure"] for measure in measures] == ["Deployments", "streamed a", "recovered b"]
    with pytest.raises(AvailabilityError, match="at least one"):
        reports_to_json([])


@pytest.mark.parametrize("rules", [EXACT, BINS, HOURLY])
def test_a_first_and_a_last_time_beyond_a_gap_are_isolated_and_take_no_time(rules: Rules) -> None:
    times = [T, *(T + 40 * DAY + n * 3600 * S for n in range(2000)), T + 200 * DAY]
    found = compute_availability(times, rules=rules)
    assert all(one.end_ns - one.start_ns > 1 for one in found.intervals)
    first, last = found.intervals[0], found.intervals[-1]
    assert (first.category, first.isolated, first.end_ns) == (Category.MISSING, 1, times[1])
    assert (last.category, last.isolated, last.start_ns) == (Category.MISSING, 1, times[-2])
    assert sum(one.count for one in found.intervals) + found.isolated == len(times)
    [missing] = compute_availability([T, T + DAY], rules=HOURLY).intervals
    assert (missing.end_ns, missing.isolated) == (T + DAY + 1, 2)
