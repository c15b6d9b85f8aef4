"""``tsmon-agent run`` as a process of its own, on the embedded store and on the real InfluxDB."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.own_mount import with_mount
from tests.tsmon_agent.running_agent import COMMAND, clean_environment, running_agent
from tests.tsmon_agent.shell import as_process
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent.host.samplers import SAMPLERS

EMBEDDED = "[web]\nport = 0\n"
HOST = "[agent]\nhost = 'here'\ninterval = 0.2\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_a_fresh_machine_the_page_is_there_and_the_last_points_are_stored(tmp_path: Path, number: int) -> None:
    """Nothing is flushed before the stop, so that all that is in the file came with it."""
    settings = f"[monitoring]\nflushing_period = 3600.0\n{HOST}{EMBEDDED}"
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    with running_agent(tmp_path, settings) as agent:
        assert agent.out == f"tsmon-agent samples here into SQLite file {file}, shown on {agent.address}\n"
        status, page = agent.get("/")
        assert (status, "<html" in page) == (200, True)
        state = agent.wait(lambda one: one.pipeline if one.pipeline["accepted"] >= 60 else None)
        assert agent.stop(number) == 0
        assert agent.log == ""
    reported = {
        name: [row for row in read_rows(file, "tsmon_sampler") if row["tags"]["sampler"] == name]
        for name in SAMPLERS
    }
    for name in SAMPLERS:
        assert len(reported[name]) >= next(one["rounds"] for one in state["samplers"] if one["name"] == name)
        assert {row["errors"] for row in reported[name]} == {0}
        assert sum(row["points"] for row in reported[name]) == len(read_rows(file, name)) > 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_killed_agent_leaves_what_was_flushed_and_starts_again(tmp_path: Path) -> None:
    settings = f"[monitoring]\nflushing_period = 0.1\n{HOST}{EMBEDDED}"
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    for _ in range(2):
        with running_agent(tmp_path, settings) as agent:
            written = agent.wait(lambda one: one.pipeline["written"] >= 30 and one.pipeline["written"])
            agent.process.kill()
            agent.process.wait()
        stored = sum(len(read_rows(file, name)) for name in [*SAMPLERS, "tsmon_sampler", "tsmon_pipeline"])
        assert stored >= written


def test_damaged_file_is_quarantined_and_recovered_while_the_agent_works(tmp_path: Path) -> None:
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    damaged_store(file)
    Path(f"{file}-wal").write_bytes(b"x")  # as a killed agent leaves one, so that every page is checked
    with running_agent(tmp_path, HOST + EMBEDDED) as agent:
        agent.wait(lambda one: one.pipeline["written"] > 0)
        agent.wait(lambda one: "were recovered from" in one.log)
        assert agent.stop() == 0
        (aside,) = file.parent.glob("tsmon.db.damaged-*Z")
        assert f"it was renamed to {aside}, and a new file is used" in agent.log
        assert "Traceback" not in agent.log
    assert 18_000 < len(read_rows(file, "history")) < 20_000
    assert read_rows(file, "mem")


def damaged_store(path: Path) -> None:
    async def fill() -> None:
        async with SqliteStore(path) as store:
            now_ns = time.time_ns()
            await store.write("\n".join(f"history x={n} {now_ns - n}" for n in range(20_000)).encode())

    asyncio.run(fill())
    with path.open("r+b") as file:
        file.seek(30 * 4096)
        file.write(bytes(3 * 4096))


@pytest.mark.parametrize("key", ["monitoring.file", "state.url"])
def test_another_programs_file_stops_the_start_and_stays_as_it_is(tmp_path: Path, key: str) -> None:
    table = tmp_path / "cruise.csv"
    table.write_text("time,temp\n2017-06-30T09:48:00Z,11.25\n")
    before = (table.stat(), sorted(tmp_path.iterdir()))
    named = f"file = '{table}'" if key == "monitoring.file" else f"url = 'sqlite:///{table}'"
    section = key.partition(".")[0]
    (tmp_path / "tsmon.toml").write_text(f"{HOST}{EMBEDDED}[{section}]\n{named}\n")
    for command in (["run"], ["check"], ["fresh"], ["streams", "list"]):
        if (section, command[0]) == ("monitoring", "streams"):
            continue
        ran = as_process(tmp_path, *command)
        assert (ran.code, ran.err.count("\n")) == (1, 1), ran
        assert f"{table} was not made by tsmon: file is not a database; it is left as it is" in ran.err
    after = table.stat()
    assert (after.st_mtime_ns, after.st_ino, after.st_size) == (
        before[0].st_mtime_ns,
        before[0].st_ino,
        before[0].st_size,
    )
    assert not list(tmp_path.glob("cruise.csv?*"))


def has_rows(file: Path) -> bool:
    try:
        return bool(read_rows(file, "mem"))
    except sqlite3.OperationalError:
        return False  # it is being created


def test_deleted_files_are_noticed_within_seconds_and_nothing_after_is_lost(tmp_path: Path) -> None:
    """The store's file, its directory and the state, one after the other, under the running agent."""
    settings = f"[monitoring]\nflushing_period = 0.1\n{HOST}{EMBEDDED}"
    directory = tmp_path / "data" / "tsmon"
    with running_agent(tmp_path, settings) as agent:
        agent.wait(lambda one: one.pipeline["written"] >= 30)
        (directory / "tsmon.db").unlink()
        agent.wait(lambda _: has_rows(directory / "tsmon.db"))
        assert agent.get("/readyz")[0] == 200
        shutil.rmtree(directory)
        agent.wait(lambda _: (directory / "state.db").exists() and has_rows(directory / "tsmon.db"))
        assert agent.get("/readyz")[0] == 200
        table = tmp_path / "table.csv"
        table.write_text("time,temp\n" * 100)
        shutil.copy(table, directory / "new")
        (directory / "new").rename(directory / "tsmon.db")
        reasons = agent.wait(lambda one: one.pipeline["readiness"]["reasons"])
        assert "tsmon.db was not made by tsmon" in reasons[0]
        assert agent.get("/readyz")[0] == 503
        assert (directory / "tsmon.db").read_bytes() == table.read_bytes()
        (directory / "tsmon.db").unlink()
        agent.wait(lambda one: one.get("/readyz")[0] == 200)
        assert agent.stop() == 0
        assert agent.log.count("tsmon.db was deleted or moved while it was in use") == 2
        assert agent.log.count("state.db was deleted or moved while it was in use") == 1
        assert "Traceback" not in agent.log
    assert read_rows(directory / "tsmon.db", "mem")


def test_second_agent_reports_who_writes_the_file(tmp_path: Path) -> None:
    with running_agent(tmp_path, HOST + EMBEDDED) as agent:
        second = subprocess.run(
            [str(COMMAND), "run"],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert f"is being written by process {agent.process.pid}; stop it" in second.stderr
        assert second.stderr.count("\n") == 1
        # Its file can be measured while it runs.
        file = tmp_path / "data" / "tsmon" / "tsmon.db"
        agent.wait(lambda _: read_rows(file, "tsmon_sampler"))
        size = subprocess.run(
            [str(COMMAND), "db", "size"],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "tsmon_sampler" in size.stdout
        assert agent.stop() == 0


def test_full_disk_stops_nothing_and_is_reported(tmp_path: Path) -> None:
    """The points wait in memory, and are stored as soon as there is room again."""
    data = tmp_path / "data"
    data.mkdir()
    prefix = with_mount(data, "size=1m")
    settings = f"[monitoring]\nfile = '{data / 'tsmon.db'}'\nflushing_period = 0.1\n{HOST}{EMBEDDED}"
    with running_agent(tmp_path, settings, prefix=prefix) as agent:
        agent.wait(lambda one: one.get("/readyz")[0] == 200)
        seen_within = Path(f"/proc/{agent.process.pid}/root/{data}")
        filler = seen_within / "filler"
        fill(filler)
        agent.wait(lambda one: one.last_error)
        status, state = agent.get("/readyz")
        assert status == 503
        assert "the disk is full" in state["reasons"][0]
        agent.wait(lambda one: one.pipeline["pending"] >= 60)
        rounds = min(one["rounds"] for one in agent.pipeline["samplers"])
        agent.wait(lambda one: min(one["rounds"] for one in one.pipeline["samplers"]) > rounds + 2)
        assert agent.get("/")[0] == 200
        full = [line for line in agent.log.splitlines() if "the disk is full" in line]
        assert len([line for line in full if "the retention of the store failed" not in line]) == 1
        filler.unlink()
        agent.wait(lambda one: one.get("/readyz")[0] == 200 and one.pipeline["pending"] <= 30)
        state = agent.pipeline
        assert (state["dropped"], state["refused"]) == (0, 0)
        assert agent.stop() == 0
        assert "Traceback" not in agent.log


def fill(file: Path) -> None:
    """Leave no byte free on its file system."""
    with file.open("wb", buffering=0) as descriptor:
        try:
            while True:
                descriptor.write(b"x" * 4_096)
        except OSError:
            pass


def server(url: str, influxdb: InfluxDB, bucket: str, token: str = "", more: str = "") -> str:
    return (
        f'[monitoring]\nurl = "{url}"\ntoken = "{token or influxdb.token}"\nbucket = "{bucket}"\n'
        f"flushing_period = 0.1\n{more}\n{HOST}{EMBEDDED}"
    )


def newest(influxdb: InfluxDB, bucket: str, measurement: str) -> list[dict[str, Any]]:
    """The newest point of each series, fields as columns."""
    return influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "{measurement}") '
        '|> last() |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
    )


def test_figures_of_this_host_are_in_influxdb(tmp_path: Path, influxdb: InfluxDB, bucket: str) -> None:
    before = psutil.net_io_counters(pernic=True)
    busy_before = psutil.disk_io_counters(perdisk=True) or {}
    with running_agent(tmp_path, server(influxdb.url, influxdb, bucket)) as agent:
        assert f"into InfluxDB at {influxdb.url}" in agent.out
        assert influxdb.token not in agent.out + agent.log
        agent.wait(lambda one: all(two["rounds"] >= 6 for two in one.pipeline["samplers"]))
        state = agent.pipeline
        assert agent.stop() == 0
        assert "Traceback" not in agent.log
    after = psutil.net_io_counters(pernic=True)

    def of(measurement: str) -> list[dict[str, Any]]:
        found = newest(influxdb, bucket, measurement)
        assert {row["host"] for row in found} == {"here"}
        return found

    (memory,) = of("mem")
    assert memory["total"] == psutil.virtual_memory().total
    assert abs(memory["available"] - psutil.virtual_memory().available) < 0.2 * memory["total"]
    (swap,) = of("swap")
    assert swap["total"] == psutil.swap_memory().total
    (system,) = of("system")
    assert system["n_cpus"] == os.cpu_count()
    assert abs(system["uptime"] - (time.time() - psutil.boot_time())) < 60
    cpus = of("cpu")
    assert {row["cpu"] for row in cpus} == {"cpu-total", *(f"cpu{n}" for n in range(psutil.cpu_count()))}
    for row in cpus:
        assert sum(value for key, value in row.items() if key.startswith("usage_")) == pytest.approx(100, abs=0.1)
    (root,) = [row for row in of("disk") if row["path"] == "/"]
    usage = os.statvfs("/")
    assert root["total"] == usage.f_blocks * usage.f_frsize
    assert abs(root["free"] - usage.f_bavail * usage.f_frsize) < 0.2 * root["total"]
    interfaces = of("net")
    assert interfaces
    for row in interfaces:
        low, high = before[row["interface"]], after[row["interface"]]
        assert low.bytes_recv <= row["bytes_recv"] <= high.bytes_recv
        assert low.packets_sent <= row["packets_sent"] <= high.packets_sent
    for row in of("diskio"):
        if row["name"] in busy_before:
            assert busy_before[row["name"]].write_bytes <= row["write_bytes"]
    (processes,) = of("processes")
    assert processes["total"] == pytest.approx(len(psutil.pids()), rel=0.5)
    assert processes["running"] >= 0

    reported = influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "tsmon_sampler" and '
        'r._field == "points") |> drop(columns: ["_start", "_stop"])'
    )
    points = Counter[str]()
    rounds = Counter[str]()
    for row in reported:
        points[row["sampler"]] += row["_value"]
        rounds[row["sampler"]] += 1
    for one in state["samplers"]:
        assert rounds[one["name"]] >= one["rounds"]
        assert points[one["name"]] == stored_points(influxdb, bucket, one["name"])


def stored_points(influxdb: InfluxDB, bucket: str, measurement: str) -> int:
    """Number of points of a measurement, counted by times per series."""
    found = influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "{measurement}") '
        '|> drop(columns: ["_start", "_stop", "_value"]) '
        "|> map(fn: (r) => ({r with ns: int(v: r._time)}))"
    )
    ignored = {"result", "table", "_field", "_time"}
    return len({tuple(sorted((k, str(v)) for k, v in row.items() if k not in ignored)) for row in found})


def test_wrong_token_is_reported_and_the_points_are_kept(tmp_path: Path, influxdb: InfluxDB, bucket: str) -> None:
    with running_agent(tmp_path, server(influxdb.url, influxdb, bucket, "a-wrong-token")) as agent:
        state = agent.wait(lambda one: one.last_error and one.get("/readyz"))
        assert state[0] == 503
        assert "token" in state[1]["reasons"][0]
        assert "a-wrong-token" not in agent.log + agent.out + str(state)
        agent.wait(lambda one: one.pipeline["pending"] >= 40)
        # The right one, and SIGHUP: everything arrives that was ever accepted.
        agent.settings.write_text(server(influxdb.url, influxdb, bucket))
        agent.hang_up()
        agent.wait(lambda one: "the settings were reloaded" in one.log and one.get("/readyz")[0] == 200)
        assert agent.stop() == 0
    rounds = [row["points"] for row in newest(influxdb, bucket, "tsmon_sampler")]
    assert len(rounds) == len(SAMPLERS)
    (first,) = influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) '
        '|> filter(fn: (r) => r._measurement == "tsmon_pipeline" and r._field == "accepted") |> first()'
    )
    # The first point that the agent emitted, long before the token was right.
    assert first["_value"] <= len(SAMPLERS)
