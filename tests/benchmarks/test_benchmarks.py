"""The benchmarks run and say what they measured; how fast anything is, is not tested."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate, Unavailable, alternate
from benchmarks.table import show, show_ratios
from tests.services.influxdb import InfluxDB

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(found: Any, *units: str) -> None:
    """Every row has figures, or a reason why not; and every measured peer is compared with tsmon."""
    measured = [row for row in found["rows"] if "unavailable" not in row]
    assert measured[0]["name"] == "tsmon"
    assert all(row[unit] > 0 for row in measured for unit in units)
    assert found["ratios"].keys() == {row["name"] for row in measured if not row["name"].startswith("tsmon")}
    assert all(ratio > 0 for ratio in found["ratios"].values())


def test_emit_as_json() -> None:
    found = json.loads(run("benchmarks.emit", "--points", "200", "--rounds", "1", "--json"))
    assert found["benchmark"] == "emit"
    assert {row.get("threads") for row in found["rows"]} >= {1, 4}
    check(found, "us_per_point", "points_per_s")


def test_requests_as_json() -> None:
    found = json.loads(run("benchmarks.requests", "--requests", "300", "--rounds", "1", "--json"))
    assert found["benchmark"] == "requests"
    check(found, "us_per_request")


def test_drawing_as_json_with_every_outage_found(influxdb: InfluxDB) -> None:
    server = ("--url", influxdb.url, "--org", influxdb.org, "--token", influxdb.token)
    found = json.loads(
        run("benchmarks.drawing", *server, "--streams", "8", "--years", "1", "--rounds", "1", "--json")
    )
    assert found["benchmark"] == "drawing"
    assert [row["name"] for row in found["rows"]] == ["tsmon, InfluxDB", "tsmon, SQLite"]
    assert all(row["reports_s"] > 0 and row["rows_s"] > 0 for row in found["rows"])


def test_write_as_json_with_every_point_stored(influxdb: InfluxDB) -> None:
    server = ("--url", influxdb.url, "--org", influxdb.org, "--token", influxdb.token)
    found = json.loads(run("benchmarks.write", *server, "--points", "6000", "--rounds", "1", "--json"))
    assert found["benchmark"] == "write"
    check(found, "client_cpu_us_per_point", "points_per_s")
    assert "ready lines" in found["ratios"]


def test_spool_as_json_with_every_point_stored(influxdb: InfluxDB) -> None:
    server = ("--url", influxdb.url, "--org", influxdb.org, "--token", influxdb.token)
    found = json.loads(run("benchmarks.spool", *server, "--points", "6000", "--rounds", "1", "--json"))
    assert found["benchmark"] == "spool"
    rates = {row["name"]: row["points_per_s"] for row in found["rows"]}
    assert rates.keys() == {"tsmon", "spool on", "spool off"}
    assert found["ratios"]["spool off"] == pytest.approx(rates["tsmon"] / rates["spool off"], rel=0.01)


def test_availability_as_json_beside_the_obvious_queries(influxdb: InfluxDB) -> None:
    server = ("--url", influxdb.url, "--org", influxdb.org, "--token", influxdb.token)
    found = json.loads(
        run("benchmarks.availability", *server, "--points", "5000", "--rounds", "1", "--years", "1", "--json")
    )
    assert found["benchmark"] == "availability"
    ways = {row["name"].split(",")[0] for row in found["rows"]}
    assert ways >= {"InfluxDB: computed in Flux", "InfluxDB: elapsed()", "SQLite: lag()", "SQLite: report"}
    assert all(row["ms"] > 0 for row in found["rows"])
    assert len(found["ratios"]) == 3


def test_freshness_as_json(influxdb: InfluxDB) -> None:
    server = ("--url", influxdb.url, "--org", influxdb.org, "--token", influxdb.token)
    found = json.loads(run("benchmarks.freshness", *server, "--streams", "50", "--rounds", "1", "--json"))
    assert [(row["name"], row["streams"]) for row in found["rows"]] == [
        ("tsmon, InfluxDB", 50),
        ("tsmon, SQLite", 50),
    ]
    assert all(row["cpu_s"] > 0 for row in found["rows"])


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux' /proc")
def test_memory_as_json() -> None:
    found = json.loads(run("benchmarks.memory", "--points", "20000", "--json"))
    assert found["benchmark"] == "memory"
    check(found, "bytes_per_point", "bytes_per_line", "times_the_lines")


def test_write_says_in_a_sentence_that_there_is_no_server() -> None:
    command = [sys.executable, "-m", "benchmarks.write", "--url", "http://127.0.0.1:1", "--org", "o"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("InfluxDB at http://127.0.0.1:1 cannot be reached (")
    assert "Traceback" not in done.stderr


def test_a_peer_that_is_not_installed_is_left_out() -> None:
    ((_, found),) = alternate([Candidate("peer", "no_such_library:emit", (1, 1))], rounds=2)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("No module named 'no_such_library'")


def test_tables_are_plain_where_nobody_watches(capsys: Any) -> None:
    rows: list[Row] = [
        {"name": "tsmon", "us_per_point": 2.0},
        {"name": "other", "us_per_point": 5.0},
        {"name": "third", "unavailable": "no [module] of the name"},
    ]
    outcome = BenchmarkResult("emit", rows, {"other": 2.5})
    assert BenchmarkResult.from_json(outcome.json) == outcome
    show(outcome)
    show_ratios(outcome)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["µs/point", "tsmon", "is", "better", "by"]
    assert lines[2].split() == ["other", "5.00", "2.50", "times"]
    assert lines[3:] == ["third is left out: no [module] of the name", "emit: 2.50 times other"]
