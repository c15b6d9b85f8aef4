import subprocess
import sys
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tests.services.every_store import store
from tsmon.availability import EXACT, Category, Interval, compute_availability, recolor_appearances
from tsmon.availability.deployments import BEGINNING_NS, END_NS
from tsmon.errors import TsmonError
from tsmon.frames import to_arrow, to_pandas
from tsmon.stores import Bin, Newest, Selector, Series, Store, Values

__all__ = ["store"]

T = 1_700_000_000_123_456_789
"""A time that a float cannot hold."""


@pytest.fixture
async def filled(store: Store) -> Store:
    await store.write(f"t,room=a v=1.5 {T}\nt,room=b,wall=n v=2.5 {T}\nt,room=a v=3.5 {T + 1}".encode())
    return store


SELECTOR = Selector("t", "v")
HOUR = 3_600_000_000_000


async def test_series_become_a_row_for_each_window(filled: Store) -> None:
    answer = await filled.series(SELECTOR, start_ns=T, stop_ns=T + 2, every_ns=HOUR)
    frame = to_pandas(answer)
    assert list(frame.columns) == ["time", "room", "wall", "value"]
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"
    assert frame["time"].astype("int64").tolist() == [T // HOUR * HOUR] * 2
    assert sorted(zip(frame["room"], frame["value"], strict=True)) == [("a", 2.5), ("b", 2.5)]
    assert to_arrow(answer).to_pylist() == [
        {"time": frame["time"][n], "room": room, "wall": wall, "value": 2.5}
        for n, (room, wall) in enumerate([("a", None), ("b", "n")])
    ]


async def test_bins_keep_their_times_to_the_nanosecond(filled: Store) -> None:
    answer = await filled.bins(SELECTOR, start_ns=T, stop_ns=T + 2, every_ns=HOUR)
    frame = to_pandas(answer)
    assert frame["first"].astype("int64").tolist() == [T]
    assert frame["last"].astype("int64").tolist() == [T + 1]
    assert frame["count"].tolist() == [3]
    table = to_arrow(answer)
    assert table.schema.field("last").type == pa.timestamp("ns", tz="UTC")
    assert table["last"].cast(pa.int64()).to_pylist() == [T + 1]


async def test_newest_points_keep_their_times_to_the_nanosecond(filled: Store) -> None:
    frame = to_pandas(await filled.newest(SELECTOR))
    assert sorted(zip(frame["time"].astype("int64"), frame["room"], frame["value"], strict=True)) == [
        (T, "b", 2.5),
        (T + 1, "a", 3.5),
    ]


def test_tags_named_as_our_columns_stay_apart() -> None:
    answer = [Newest({"time": "x", "value": "y"}, T, True)]
    assert to_pandas(answer).columns.tolist() == ["time", "tag_time", "tag_value", "value"]
    assert to_arrow(answer)["tag_value"].to_pylist() == ["y"]


@pytest.mark.parametrize("answer", [[], [Series({}, [], [])]])
def test_nothing_gives_a_table_without_rows(answer: list[Series]) -> None:
    assert len(to_pandas(answer)) == 0
    assert to_arrow(answer).num_rows == 0


HOUR_OF_DATA = [T + n * 60_000_000_000 for n in range(60) if not 20 <= n < 30]


def test_intervals_become_start_end_category_and_points() -> None:
    rules = replace(EXACT, period_ns="1min", appearances=recolor_appearances({Category.MISSING: "#000000"}))
    report = compute_availability(HOUR_OF_DATA, rules=rules)
    for answer in (report.intervals, list(report.intervals), tuple(report.intervals), report):
        frame = to_pandas(answer)
        assert list(frame.columns) == ["start", "end", "category", "points"]
        assert list(map(str, frame.dtypes)) == ["datetime64[ns, UTC]", "datetime64[ns, UTC]", "str", "int64"]
        assert frame["start"].astype("int64").tolist() == [one.start_ns for one in report.intervals]
        assert frame["end"].astype("int64").tolist() == [one.end_ns for one in report.intervals]
        assert frame["category"].tolist() == ["Present", "Missing", "Present"]
        assert frame["points"].tolist() == [20, 0, 30]
        table = to_arrow(answer)
        assert table["end"].cast(pa.int64()).to_pylist() == [one.end_ns for one in report.intervals]
        assert table.drop_columns(["start", "end"]).to_pylist() == frame[["category", "points"]].to_dict("records")


def test_all_of_time_fits_into_a_table() -> None:
    intervals = [Interval(BEGINNING_NS, END_NS, Category.NOT_EXPECTED)]
    assert to_pandas(intervals)["start"].astype("int64").tolist() == [BEGINNING_NS]
    assert to_arrow(intervals)["end"].cast(pa.int64()).to_pylist() == [END_NS]


def test_a_report_has_the_names_of_its_own_rules() -> None:
    own = tuple(replace(one, name=one.name.upper()) for one in EXACT.appearances)
    report = compute_availability(HOUR_OF_DATA, rules=replace(EXACT, appearances=own))
    assert {*to_pandas(report)["category"]} <= {one.name for one in own}


def test_empty_intervals_have_the_same_columns_and_types() -> None:
    full, empty = compute_availability(HOUR_OF_DATA), compute_availability([])
    for answer, other in ((full.intervals, empty.intervals), (full, empty)):
        assert other in ([], empty)
        assert to_pandas(other).dtypes.equals(to_pandas(answer).dtypes)
        assert to_arrow(other).schema == to_arrow(answer).schema
        assert (len(to_pandas(other)), to_arrow(other).num_rows) == (0, 0)


async def test_empty_answers_of_stores_have_the_same_columns_and_types(filled: Store) -> None:
    await filled.write(f"t,room=a n=1i {T}".encode())
    whole, none = {"start_ns": T, "stop_ns": T + 2}, {"start_ns": T + 10, "stop_ns": T + 20}
    unknown, backward = Selector("t", "unknown"), {"start_ns": T, "stop_ns": T - 1}
    tags = ["room", "wall"]
    for query, window in (
        (filled.series, {"every_ns": HOUR}),
        (filled.bins, {"every_ns": HOUR}),
        (filled.values, {}),
        (filled.counts, {}),
    ):
        full = await query(SELECTOR, **whole, **window)
        for selector, span in ((SELECTOR, none), (unknown, whole), (SELECTOR, backward)):
            empty = await query(selector, **span, **window)
            assert empty == []
            assert to_pandas(empty).dtypes.equals(to_pandas(full).drop(columns=tags, errors="ignore").dtypes)
            kept = [name for name in to_arrow(full).column_names if name not in tags]
            assert to_arrow(empty).schema == to_arrow(full).select(kept).schema
    assert to_pandas(await filled.newest(unknown)).dtypes.equals(
        to_pandas(await filled.newest(SELECTOR)).drop(columns=tags).dtypes
    )
    assert await filled.newest(unknown) == []


async def test_counts_become_a_row_for_each_series(filled: Store) -> None:
    frame = to_pandas(await filled.counts(SELECTOR, start_ns=T, stop_ns=T + 2))
    assert list(frame.columns) == ["room", "wall", "count"]
    assert sorted(zip(frame["room"], frame["count"], strict=True)) == [("a", 2), ("b", 1)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([1], r"^answer\[0\] is of type int; give what a query of a store returned, a report or its intervals$"),
        ([Bin(0, T, T, 1), {}], r"^answer\[1\] is of type dict; give what"),
        (
            [Bin(0, T, T, 1), Interval(0, 1, Category.MISSING)],
            "^the answer contains Bin and Interval; convert each on",
        ),
        (5, "^an answer of type int is no table; give what"),
        ("text", "^an answer of type str is no table; give what"),
        (compute_availability([]).totals, r"^answer\[0\] is of type Category; give what"),
        (compute_availability([]).spans, r"^answer\[0\] is of type Span; give what"),
    ],
)
@pytest.mark.parametrize("convert", [to_pandas, to_arrow])
def test_what_is_no_answer_is_refused_instead_of_an_empty_table(convert: Any, answer: Any, reason: str) -> None:
    with pytest.raises(TsmonError, match=reason):
        convert(answer)


def test_values_of_several_types_lose_nothing() -> None:
    answer = [Values({"room": "a"}, [T], [2**53 + 1]), Values({"room": "b"}, [T], [0.5])]
    assert to_pandas(answer)["value"].tolist() == [2**53 + 1, 0.5]
    assert to_pandas([Values({}, [T, T + 1], [1, 0.5])])["value"].dtype == "float64"
    mixed = [Values({"room": "a"}, [T], ["on"]), Values({"room": "b"}, [T], [True])]
    assert to_pandas(mixed)["value"].tolist() == ["on", True]
    with pytest.raises(
        TsmonError, match=r"^the values are of several types \(bool, str\); select series of one type$"
    ):
        to_arrow(mixed)


@pytest.mark.parametrize(("function", "library"), [("to_pandas", "pandas"), ("to_arrow", "pyarrow")])
def test_a_library_that_is_missing_is_named(function: str, library: str) -> None:
    script = f"""
import sys
sys.modules[{library!r}] = None
import tsmon.frames
try:
    tsmon.frames.{function}([])
except tsmon.errors.TsmonError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{library} is not installed; install it: pip install {library}"


def test_one_bin_is_one_row() -> None:
    assert to_pandas([Bin(0, T, T + 1, 2)]).to_dict("list")["count"] == [2]
