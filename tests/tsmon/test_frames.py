import subprocess
import sys

import pyarrow as pa
import pytest

from tests.services.every_store import store
from tsmon.frames import to_arrow, to_pandas
from tsmon.stores import Bin, Newest, Selector, Series, Store

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
