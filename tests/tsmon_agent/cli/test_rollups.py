"""``tsmon-agent setup`` and ``tsmon-agent rollups rebuild``, on the real server and on the embedded file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.shell import Shell, agent

__all__ = ["agent"]

S = 1_000_000_000
T = 1_700_000_000 * S
LINES = "\n".join(f"ctd,site=s{n % 3} v={n}.5 {T + 60 * n * S}" for n in range(500)) + "\n"


def settings(influxdb: InfluxDB, bucket: str, token: str = "") -> str:
    token = token or influxdb.token
    return f"[monitoring]\nurl = '{influxdb.url}'\nbucket = '{bucket}'\ntoken = '{token}'\n"


def buckets(influxdb: InfluxDB) -> set[str]:
    return {record["name"] for record in influxdb.flux("buckets()")}


def rolled(influxdb: InfluxDB, bucket: str) -> int:
    counts = '|> filter(fn: (r) => r._field == "v:count") |> group() |> sum()'
    flux = f'from(bucket: "{bucket}") |> range(start: 0) {counts}'
    return sum(int(record["_value"]) for record in influxdb.flux(flux))


def test_a_dry_run_says_what_setup_does_and_the_second_setup_finds_nothing_to_do(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    agent.settings(settings(influxdb, bucket) + "[rollups]\ntiers = { '1h' = '400d', '1d' = 'forever' }\n")
    (tmp_path / "h.lp").write_text(LINES)
    assert agent("import", "h.lp").code == 0
    before = buckets(influxdb)
    dry = agent("setup", "--dry-run")
    assert dry.out.splitlines() == [
        f"create bucket '{bucket}_1h', keep 400 days",
        f"create bucket '{bucket}_1d', keep for ever",
        f"create task 'tsmon rollups of {bucket}: 1h ctd'",
        f"create task 'tsmon rollups of {bucket}: 1d ctd'",
    ]
    assert buckets(influxdb) == before
    assert agent("setup").out == dry.out
    assert rolled(influxdb, f"{bucket}_1d") == 500
    assert agent("setup").out.endswith("is up to date\n")


def test_setup_and_check_name_a_tier_that_is_wider_than_the_retention_of_the_points(
    influxdb: InfluxDB, agent: Shell
) -> None:
    bucket = influxdb.new_bucket(retention_s=3_600)
    agent.settings(settings(influxdb, bucket) + "[rollups]\ntiers = { '15m' = '30d', '1d' = 'forever' }\n")
    sentence = (
        "rollups.tiers: rollups of 1d are not set up, because points are kept for 1h, so some would expire before "
        "their window ends; keep the points for longer in their bucket, or remove the tier"
    )
    first = agent("setup")
    assert (first.code, first.out) == (0, f"create bucket '{bucket}_15m', keep 30 days\n")
    for command in (("setup",), ("setup", "--shorter"), ("check",)):
        found = agent(*command)
        assert sentence in " ".join((found.out + found.err).split()), command


def test_what_is_imported_later_is_rolled_up_and_what_is_lost_rebuilt(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    agent.settings(settings(influxdb, bucket) + "[rollups]\ntiers = { '1d' = 'forever' }\n")
    (tmp_path / "h.lp").write_text(LINES)
    agent("import", "h.lp")
    agent("setup")
    (tmp_path / "older.lp").write_text(LINES.replace("1700", "1600"))
    assert agent("import", "older.lp").err.endswith("rolling up ctd\n")
    assert rolled(influxdb, f"{bucket}_1d") == 1_000

    influxdb.empty(f"{bucket}_1d")
    assert rolled(influxdb, f"{bucket}_1d") == 0
    again = agent("rollups", "rebuild", "--measurement", "ctd")
    assert again.out.startswith("ctd: ")
    assert rolled(influxdb, f"{bucket}_1d") == 1_000
    assert agent("rollups", "rebuild", "-m", "none").mistake == "none is not rolled up; there are ctd"


def test_a_rebuild_leaves_no_measurement_out(influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path) -> None:
    """One that came after the setup has no tasks yet; it gets them, and its history is rolled up."""
    agent.settings(settings(influxdb, bucket) + "[rollups]\ntiers = { '1h' = '400d', '1d' = 'forever' }\n")
    (tmp_path / "first.lp").write_text(LINES)
    (tmp_path / "later.lp").write_text("\n".join(f"tide v={n} {60 * n * S - T}" for n in range(500)))
    agent("import", "first.lp")
    agent("setup")
    assert rolled(influxdb, f"{bucket}_1d") == 500
    agent("import", "later.lp")
    ran = agent("rollups", "rebuild", "--from", "2023-11-01")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split(":")[0] for line in ran.out.splitlines()[:-1]] == ["ctd", "tide"]
    assert int(ran.out.split("tide: ")[1].split(" ")[0].replace(",", "")) > 30_000
    before_1970 = f'from(bucket: "{bucket}_1d") |> range(start: 1900-01-01T00:00:00Z, stop: 1970-01-01T00:00:00Z)'
    [row] = influxdb.flux(f'{before_1970} |> filter(fn: (r) => r._field == "v:count") |> group() |> sum()')
    assert row["_value"] == 500
    assert agent("setup").out.endswith("is up to date\n")
    assert "give a time such as" in agent("rollups", "rebuild", "--from", "yesterday").mistake


def test_without_a_setup_there_is_nothing_to_rebuild(influxdb: InfluxDB, bucket: str, agent: Shell) -> None:
    agent.settings(settings(influxdb, bucket))
    assert agent("rollups", "rebuild").mistake.endswith("run tsmon-agent setup first")


def test_a_missing_bucket_is_created_if_the_settings_say_so(influxdb: InfluxDB, agent: Shell) -> None:
    name = f"{influxdb.new_bucket()}-else"
    agent.settings(settings(influxdb, name))
    assert "has no such bucket; create it, or set monitoring.create_bucket = true" in agent("setup").mistake
    agent.settings(settings(influxdb, name) + "create_bucket = true\n")
    assert agent("setup").out.startswith(f"create bucket '{name}'\n")
    assert name in buckets(influxdb)


def test_a_token_without_permission_is_one_sentence(influxdb: InfluxDB, bucket: str, agent: Shell) -> None:
    token = influxdb.new_token(bucket, "read", "write")
    agent.settings(settings(influxdb, bucket, token) + f"organization = '{influxdb.org}'\n")
    ran = agent("setup")
    assert ran.code == 1
    assert "set monitoring.token to one that may" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", [["setup"], ["rollups", "rebuild"]])
def test_the_embedded_store(agent: Shell, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "h.lp").write_text(LINES)
    assert agent("import", "--keep", "h.lp").code == 0
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'm1_r*'").fetchall()
        for (table,) in tables:
            connection.execute(f"UPDATE {table} SET count = 0")
    assert agent(*command).code == 0
    with closing(sqlite3.connect(file)) as connection:
        sums = {connection.execute(f"SELECT sum(count) FROM {table}").fetchone()[0] for (table,) in tables}
    assert sums <= ({0, None} if command == ["setup"] else {500, None})
    if command != ["setup"]:
        assert "is rebuilt whole" in agent(*command, "--from", "2020-01-01").mistake
