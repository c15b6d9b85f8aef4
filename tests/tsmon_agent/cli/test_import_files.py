"""``tsmon-agent import`` as a person uses it: interrupted and run again, with bad rows and broken files."""

import gzip
import json
import signal
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.running_agent import COMMAND, clean_environment
from tests.tsmon_agent.shell import Shell, agent
from tests.tsmon_agent.waiting import eventually_sync

__all__ = ["agent"]

S = 1_000_000_000
T = 1_600_000_000 * S
POINTS = 400_000


def history(points: int) -> str:
    return "".join(f"ctd,site=s{n % 10} v={n % 97}.5 {T + n * S}\n" for n in range(points))


def settings(influxdb: InfluxDB, bucket: str) -> str:
    return f"[monitoring]\nurl = '{influxdb.url}'\nbucket = '{bucket}'\ntoken = '{influxdb.token}'\n"


def count(influxdb: InfluxDB, bucket: str) -> int:
    flux = f'from(bucket: "{bucket}") |> range(start: 0) |> count() |> group() |> sum()'
    return sum(int(record["_value"]) for record in influxdb.flux(flux))


def journal(directory: Path) -> dict[str, object] | None:
    found = list((directory / "state" / "tsmon" / "imports").glob("*.json"))
    return json.loads(found[0].read_bytes()) if found else None


def test_an_import_that_was_killed_resumes_where_the_store_had_acknowledged(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    agent.settings(settings(influxdb, bucket))
    with gzip.open(tmp_path / "history.lp.gz", "wt", compresslevel=1) as file:
        file.write(history(POINTS))
    with subprocess.Popen(
        [str(COMMAND), "import", "history.lp.gz"],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        eventually_sync(lambda: journal(tmp_path))
        process.send_signal(signal.SIGKILL)
    known = journal(tmp_path)
    assert known is not None
    before = int(str(known["imported"]))
    assert 0 < before < POINTS
    assert before <= count(influxdb, bucket) < POINTS

    ran = agent("import", "history.lp.gz")
    assert ran.code == 0
    assert f"resumes after line {before:,}" in ran.err
    assert ran.out == f"history.lp.gz: {POINTS - before:,} points imported, {before:,} before\n"
    assert count(influxdb, bucket) == POINTS

    again = agent("import", "history.lp.gz")
    assert "was imported before: 400,000 points" in again.out
    anew = agent("import", "--restart", "history.lp.gz")
    assert anew.out == f"history.lp.gz: {POINTS:,} points imported\n"
    assert count(influxdb, bucket) == POINTS


def test_bad_lines_and_refused_ones_are_rejected_by_their_numbers(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    agent.settings(settings(influxdb, bucket))
    lines = history(30).splitlines()
    lines[4] = "nonsense"
    lines[9] = f"ctd,site=s1 v=true {T}"
    lines[17] = "ctd,site=s1 v=1"
    (tmp_path / "history.lp").write_text("\n".join(lines))
    ran = agent("import", "history.lp", "--rejected", "aside.jsonl")
    assert (ran.code, ran.out) == (1, "history.lp: 27 points imported; 3 rejected rows are in aside.jsonl\n")
    aside = [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]
    assert [(one["file"], one["line"], one["text"]) for one in aside] == [
        ("history.lp", number, lines[number - 1]) for number in (5, 10, 18)
    ]
    assert "fields are missing" in aside[0]["reason"]
    assert "type conflict" in aside[1]["reason"]
    assert "it has no time" in aside[2]["reason"]
    assert count(influxdb, bucket) == 27


def test_what_a_torn_file_holds_is_imported_and_the_rest_when_it_is_whole(agent: Shell, tmp_path: Path) -> None:
    whole = gzip.compress(history(60_000).encode())
    file = tmp_path / "history.lp.gz"
    file.write_bytes(whole[: len(whole) * 2 // 3])
    torn = agent("import", "--keep", "history.lp.gz")
    assert torn.code == 1
    assert "history.lp.gz cannot be read to its end" in torn.err
    stored = len(read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "ctd"))
    assert 10_000 < stored < 60_000
    file.write_bytes(whole)
    ran = agent("import", "--keep", "history.lp.gz")
    assert ran.out == "history.lp.gz: 60,000 points imported\n", "a file that has changed is begun anew"
    assert len(read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "ctd")) == 60_000


def test_a_dry_run_shows_points_and_stores_nothing(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("time,station,temp\n2024-01-01,a,1\nx,a,2\n")
    ran = agent("import", "--dry-run", "w.csv", "--measurement", "weather")
    assert (ran.code, ran.out) == (0, "weather,station=a temp=1.0 1704067200000000000\n")
    assert "line 3 would be rejected: column time: 'x' is not a time" in ran.err
    assert not (tmp_path / "data").exists()


def test_the_nights_when_clocks_are_changed(agent: Shell, tmp_path: Path) -> None:
    autumn = [datetime(2016, 10, 29, 22, tzinfo=UTC) + timedelta(minutes=6 * one) for one in range(61)]
    walls = [one.astimezone(ZoneInfo("Europe/Berlin")) for one in autumn]
    rows = "".join(f"{one:%Y-%m-%d %H:%M},{number}\n" for number, one in enumerate(walls))
    (tmp_path / "autumn.csv").write_text(f"time,level\n{rows}")
    ran = agent("import", "--keep", "autumn.csv", "-m", "tide", "--timezone", "Europe/Berlin")
    assert (ran.code, ran.out) == (0, "autumn.csv: 61 rows imported\n")
    stored = read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "tide")
    assert [(one["level"], one["time_ns"]) for one in stored] == [
        (number, int(one.timestamp()) * S) for number, one in enumerate(autumn)
    ]

    # In spring 02:30 does not exist, and of one row in the repeated hour nobody knows.
    (tmp_path / "few.csv").write_text(
        "time,level\n2016-03-27 01:30,1\n2016-03-27 02:30,2\n2016-03-27 03:30,3\n2016-10-30 02:30,4\n"
    )
    ran = agent("import", "--keep", "few.csv", "-m", "few", "--timezone", "Europe/Berlin")
    assert (ran.code, ran.out) == (1, "few.csv: 2 rows imported; 2 rejected rows are in few.csv.rejected\n")
    assert "line 3 is rejected: column time: 2016-03-27T02:30:00 does not exist in Europe/Berlin" in ran.err
    assert "line 5 is rejected: column time: 2016-10-30T02:30:00 occurs twice in Europe/Berlin" in ran.err
    stored = read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "few")
    assert [(one["level"], one["time_ns"]) for one in stored] == [(1, 1459038600 * S), (3, 1459042200 * S)]

    # An instrument's clock is often never changed.
    ran = agent("import", "--keep", "few.csv", "-m", "fixed", "--timezone", "+01:00")
    assert (ran.code, ran.out) == (0, "few.csv: 4 rows imported\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.lp"], "none.lp cannot be read: No such file or directory"),
        (["."], ". is a directory"),
        (["a.lp", "--format", "xml"], "--format xml: there are line-protocol, annotated-csv, csv"),
        (["a.lp", "--precision", "m"], "--precision m: there are ns, us, ms, s"),
        (["-"], "name it by --format"),
        (["a.csv"], "name it by --measurement"),
        (["a.csv", "-m", "m", "--field", "v:real"], "real is not a type"),
        (["a.csv", "--timezone", "Nowhere"], "there is no time zone 'Nowhere'"),
        (
            ["w.csv"],
            "w.csv: line 1: column v: float is not a data type; choose from measurement, tag, field, string",
        ),
        (["w.csv", "--dry-run"], "w.csv: line 1: column v: float is not a data type"),
        (["q.csv"], "q.csv: line 1: the table has no row #datatype and no row #group above its header; export it"),
    ],
)
def test_mistakes_are_one_sentence(agent: Shell, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "a.lp").write_text("m v=1 1\n")
    (tmp_path / "a.csv").write_text("time,v\n1,1\n")
    (tmp_path / "w.csv").write_text("m|measurement,v|float,t|dateTime\nx,1,1\n")
    (tmp_path / "q.csv").write_text(",result,table,_time,v\n,,0,2024-01-01T00:00:00Z,1\n")
    ran = agent("import", *arguments)
    # The kind of the file is reported before that.
    lines = [line for line in ran.err.splitlines() if " is annotated CSV" not in line]
    assert sentence in replace(ran, err="\n".join([*lines, ""])).mistake
