"""Parquet files of pandas and others become points by the types of their columns."""

import io
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.shell import Shell, agent

__all__ = ["agent"]

T = 1_498_816_080_123_456_789
DAY = 86_400_000_000_000


def write(directory: Path, columns: dict[str, Any]) -> None:
    parquet.write_table(pa.table(columns), directory / "a.parquet")


def preview(agent: Shell, *options: str) -> tuple[str, str]:
    ran = agent("import", "--dry-run", "a.parquet", "-m", "m", *options)
    assert ran.code == 0, ran
    return ran.out, ran.err


def test_all_types_of_columns(agent: Shell, tmp_path: Path) -> None:
    columns = {
        "time": pa.array([T, T + DAY], pa.timestamp("ns", "Europe/Berlin")),
        "f": [1.5, float("nan")],
        "f32": pa.array([0.5, None], pa.float32()),
        "d": [Decimal("1.25"), Decimal("2.50")],
        "i": pa.array([-3, 4], pa.int8()),
        "u": pa.array([2**64 - 1, 0], pa.uint64()),
        "b": [True, None],
        "s": ["Köln", ""],
        "c": pa.array(["x", None]).dictionary_encode(),
        "other": pa.array([T, T], pa.timestamp("ns")),
        "list": [[1], [2]],
    }
    write(tmp_path, columns)
    out, err = preview(agent)
    assert out == (
        f"m,c=x,s=Köln f=1.5,f32=0.5,d=1.25,i=-3i,u=18446744073709551615u,b=true {T}\nm d=2.5,i=4i,u=0u {T + DAY}\n"
    )
    assert err.endswith("; left out: other (timestamp[ns]), list (list<element: int64>)\n")


@pytest.mark.parametrize(
    ("times", "options", "time_ns"),
    [
        (pa.array([T // 1000], pa.timestamp("us")), [], T // 1000 * 1000),
        (pa.array([T // 10**9], pa.timestamp("s")), [], T // 10**9 * 10**9),
        (pa.array([T], pa.timestamp("ns")), ["--timezone", "Europe/Berlin"], T - 7_200_000_000_000),
        (pa.array([T], pa.timestamp("ns", "Asia/Tokyo")), ["--timezone", "Europe/Berlin"], T),
        (pa.array([date(2017, 6, 30)]), [], 1_498_780_800_000_000_000),
        (pa.array([date(2017, 6, 30)], pa.date64()), [], 1_498_780_800_000_000_000),
        (pa.array([T]), [], T),
        (pa.array([T // 10**9]), [], T // 10**9 * 10**9),
        (pa.array([5]), ["--time-format", "s"], 5 * 10**9),
        (pa.array(["2017-6-30 9:48"]), [], T // 60_000_000_000 * 60_000_000_000),
        (pa.array(["30/06/17"]), [], 1_498_780_800_000_000_000),
    ],
)
def test_times_of_every_type(
    agent: Shell, tmp_path: Path, times: pa.Array, options: list[str], time_ns: int
) -> None:
    write(tmp_path, {"time": times, "v": [1.0]})
    assert preview(agent, *options)[0] == f"m v=1.0 {time_ns}\n"


def test_the_name_of_the_times_may_have_their_offset(agent: Shell, tmp_path: Path) -> None:
    write(tmp_path, {"Time, GMT-04:00": pa.array([T], pa.timestamp("ns")), "v": [1.0]})
    assert preview(agent)[0] == f"m v=1.0 {T + 4 * 3_600_000_000_000}\n"
    write(tmp_path, {"Time (EST)": pa.array([T], pa.timestamp("ns", "UTC")), "v": [1.0]})
    assert preview(agent)[0] == f"m v=1.0 {T}\n"


def test_a_mark_of_missing_values_is_a_number(agent: Shell, tmp_path: Path) -> None:
    write(tmp_path, {"time": [T, T + 1], "v": [-9999.0, 1.0]})
    assert preview(agent, "--missing", "-9999")[0] == f"m v=1.0 {T + 1}\n"


def test_a_row_of_nulls_is_no_mistake(agent: Shell, tmp_path: Path) -> None:
    write(tmp_path, {"time": [T, T + 1], "v": [None, 1.0]})
    out, err = preview(agent)
    assert (out, "rejected" in err) == (f"m v=1.0 {T + 1}\n", False)


@pytest.mark.parametrize("name", [None, "t"])
def test_the_index_of_a_data_frame_is_the_time(agent: Shell, tmp_path: Path, name: str | None) -> None:
    index = pd.DatetimeIndex([datetime(2024, 1, 1, tzinfo=UTC)], name=name)
    pd.DataFrame({"v": [1]}, index=index).to_parquet(tmp_path / "a.parquet")
    assert preview(agent)[0] == "m v=1i 1704067200000000000\n"
    frame = pd.DataFrame({"time": [datetime(2024, 1, 1, tzinfo=UTC)], "v": [1.5]}, index=pd.Index([7]))
    frame.to_parquet(tmp_path / "a.parquet")
    out, err = preview(agent)
    assert out == "m v=1.5 1704067200000000000\n"
    assert "left out: the index" in err


def test_an_import_in_batches_is_stored_and_remembered(agent: Shell, tmp_path: Path) -> None:
    count = 25_000
    times = [datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1e9 + n * 1e9 for n in range(count)]
    stamps: list[int | None] = [int(one) for one in times]
    stamps[12_345] = None
    write(tmp_path, {"time": pa.array(stamps, pa.timestamp("ns", "UTC")), "v": [float(n) for n in range(count)]})
    ran = agent("import", "a.parquet", "-m", "m", "--keep")
    assert ran.out == "a.parquet: 24,999 rows imported; 1 rejected rows are in a.parquet.rejected\n", ran
    assert "line 12346 is rejected: it has no time" in ran.err
    assert len(read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "m")) == 24_999
    assert "was imported before" in agent("import", "a.parquet", "-m", "m", "--keep").out


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"a": [1.0]}, [], "none of the columns a holds times; name it by --time"),
        ({"time": [5], "v": [1.0]}, [], "is no number of s, ms, us or ns since 1970"),
        ({"time": ["06/07/2017"], "v": [1.0]}, [], "name its order by --time-format"),
        ({"time": [[1]], "v": [1.0]}, [], "the column time holds no times; name another by --time"),
        ({"time": pa.array([T], pa.timestamp("ns")), "s": ["x"]}, [], "no column holds numbers"),
        (
            {"a": pa.array([T], pa.timestamp("ns")), "b": pa.array([T], pa.timestamp("ns"))},
            [],
            "may both be the time",
        ),
        ({"time": [T], "v": [1.0]}, ["--field", "x"], "there is no column x; there are time, v"),
        (
            {"date": [date(2017, 6, 30)], "time": [time(9, 48)], "v": [1.0]},
            [],
            "the columns date and time hold dates and times of day; save both as one column of type timestamp",
        ),
        (
            {"date": ["2017-6-30"], "time": ["9:48"], "v": [1.0]},
            ["--time", "date"],
            "the columns date and time hold dates and",
        ),
        ({"d": ["2017-6-30"], "c": [1], "v": [1.0]}, ["--time", "d", "--time-of-day", "c"], "columns d and c hold"),
        ({"date": [date(2017, 6, 30)] * 2, "hour": [0, 1]}, [], "several rows with the same date only one would"),
        ({"time": pa.array([T / 1e9], pa.float32()), "v": [1.0]}, [], "the column time is of type float, which is"),
        ({"Time (EST)": pa.array([T], pa.timestamp("ns")), "v": [1.0]}, [], "its times are EST, not UTC; name the"),
        ({"time": [T], "v": [[1]]}, ["--field", "v"], "the column v is of type list<element: int64>; name another"),
    ],
)
def test_what_is_in_doubt_is_one_sentence(
    agent: Shell, tmp_path: Path, columns: dict[str, Any], options: list[str], said: str
) -> None:
    write(tmp_path, columns)
    mistake = agent("import", "a.parquet", "-m", "m", *options).mistake
    assert mistake.startswith("a.parquet")
    assert said in mistake


def test_damaged_files_and_a_missing_extra(agent: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"time": [T], "v": [1.0]})
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:-20])
    assert (
        "a.parquet is Parquet that is damaged or cut off"
        in agent("import", "a.parquet", "-m", "m", "--keep").mistake
    )
    (tmp_path / "a.parquet").write_bytes(whole)
    assert "name it by --measurement" in agent("import", "a.parquet").mistake
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'tsmon[arrow]' to read it" in agent("import", "a.parquet", "-m", "m", "--keep").mistake


def test_parquet_on_standard_input_needs_a_file(agent: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    parquet.write_table(pa.table({"time": [T], "v": [1.0]}), sink)
    ran = agent("import", "-", "-m", "m", "--format", "csv", typed=sink.getvalue().decode("latin-1"))
    assert ran.code == 1
