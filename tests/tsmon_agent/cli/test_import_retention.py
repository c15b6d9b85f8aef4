"""Import and retention: nothing is imported that the agent would remove, and what is imported stays."""

import asyncio
import gzip
import subprocess
import time
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.running_agent import COMMAND, clean_environment, running_agent
from tests.tsmon_agent.shell import Shell
from tsmon.settings import MonitoringSettings
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS
from tsmon_agent.settings import RollupSettings
from tsmon_agent.upkeep import StoreUpkeep

QUIET = "[web]\nenabled = false\n[agent]\nsamplers = []\n"
EXPECTED = 'reference_designator,method,stream,selector\nCTD-1,telemetered,ctd,"ctd,site=a temp"\n'
LIMIT = "monitoring.retention_days keeps points for 14 days, and no stream is expected there"


def rows(tmp_path: Path, measurement: str) -> int:
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    return len(read_rows(file, measurement)) if file.exists() else 0


def line(series: str, days: float) -> str:
    return f"{series} temp=1.5 {time.time_ns() - round(days * DAY_NS)}\n"


def history(series: str, days: int) -> str:
    """A point a day, the newest first, so that the old ones are at the end."""
    return "".join(line(series, day + 0.5) for day in range(days))


def run_once(tmp_path: Path) -> list[str]:
    """Run the agent until it has removed old points of no stream; return what it logged about retention."""

    async def write_old() -> None:
        async with SqliteStore(tmp_path / "data" / "tsmon" / "tsmon.db") as store:
            await store.write(line("noise,n=1", 50).encode() + line("noise,n=2", 30).encode())

    asyncio.run(write_old())
    with running_agent(tmp_path, (tmp_path / "tsmon.toml").read_text()) as agent:
        agent.wait(lambda one: "retention has removed" in one.log or "is applied on" in one.log)
    return [one.split("tsmon: ")[1] for one in agent.log.splitlines() if "retention" in one]


def test_history_that_retention_would_remove_is_refused_or_kept_by_one_choice(agent: Shell, tmp_path: Path) -> None:
    agent.settings(QUIET)
    (tmp_path / "new.lp").write_text(history("met,site=b", 5))
    (tmp_path / "old.lp").write_text(history("ctd,site=a", 20))
    refused = agent("import", "new.lp", "old.lp")
    assert refused.code == 1
    assert "old.lp: line 15 has a point of ctd of 20" in refused.mistake
    assert LIMIT in refused.mistake
    assert refused.mistake.endswith("nothing of it is imported")
    assert (rows(tmp_path, "met"), rows(tmp_path, "ctd")) == (0, 0)
    kept = agent("import", "--keep", "new.lp", "old.lp")
    assert kept.out == "new.lp: 5 points imported\nold.lp: 20 points imported\n"
    [removed] = run_once(tmp_path)
    assert removed.startswith("retention has removed 2 points (noise 2)")
    assert "rollups" in removed
    assert (rows(tmp_path, "met"), rows(tmp_path, "ctd")) == (5, 20)
    assert "was imported before" in agent("import", "old.lp").out


def test_expected_streams_are_kept_also_when_they_are_no_longer_expected(agent: Shell, tmp_path: Path) -> None:
    agent.settings(QUIET)
    (tmp_path / "old.lp").write_text(history("ctd,site=a,depth=7", 20))
    (tmp_path / "other.lp").write_text(history("ctd,site=b", 20))
    (tmp_path / "expected.csv").write_text(EXPECTED)
    agent("streams", "load", "expected.csv")
    assert agent("import", "old.lp").code == 0
    assert "line 15 has a point of ctd" in agent("import", "other.lp").mistake
    assert run_once(tmp_path)[0].startswith("retention has removed 2 points (noise 2)")
    agent("streams", "remove", "CTD-1", "--yes")
    run_once(tmp_path)
    # The state is another one, so that nothing is known of streams at all.
    agent.settings(f"{QUIET}[state]\nurl = 'sqlite:///{tmp_path / 'other.db'}'\n")
    run_once(tmp_path)
    assert rows(tmp_path, "ctd") == 20


def test_a_table_that_the_settings_name_counts_before_the_agent_has_loaded_it(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text(EXPECTED)
    agent.settings(f"{QUIET}[streams]\nexpected = '{tmp_path / 'expected.csv'}'\n")
    (tmp_path / "old.lp").write_text(history("ctd,site=a", 20))
    assert agent("import", "old.lp").code == 0
    # Another settings file, without that table.
    agent.settings(QUIET)
    run_once(tmp_path)
    assert rows(tmp_path, "ctd") == 20


def test_a_retention_of_streams_counts_for_them_and_for_what_is_kept(agent: Shell, tmp_path: Path) -> None:
    agent.settings(f"{QUIET}[streams]\nretention_days = 18.0\n")
    (tmp_path / "old.lp").write_text(history("ctd,site=a", 20))
    sentence = agent("import", "--keep", "old.lp").mistake
    assert "line 19 has" in sentence
    assert "streams.retention_days keeps points for 18 days; set a longer time, or 0 for ever" in sentence
    agent.settings(f"{QUIET}[streams]\nretention_days = 21\n")
    assert agent("import", "--keep", "old.lp").code == 0
    assert run_once(tmp_path)[0].startswith("retention has removed 2 points (noise 2)")
    assert rows(tmp_path, "ctd") == 20


def retain(tmp_path: Path) -> None:
    """Apply the retention of the default settings, as an agent without a state does."""

    async def apply() -> None:
        async with SqliteStore(tmp_path / "data" / "tsmon" / "tsmon.db", tiers=DEFAULT_TIERS) as store:
            await store.write(line("noise", 20).encode())
            await StoreUpkeep(lambda: store, MonitoringSettings(), RollupSettings()).apply_retention()

    asyncio.run(apply())
    assert rows(tmp_path, "noise") == 0


@pytest.mark.parametrize("name", ["old.csv", "old.csv.gz", "annotated.csv", "spaces.lp"])
def test_every_kind_of_file_is_checked(agent: Shell, tmp_path: Path, name: str) -> None:
    agent.settings(QUIET)
    now_s = time.time_ns() // 10**9
    table = "time,temp\n" + "".join(f"{now_s - day * 86_400},1.5\n" for day in range(20))
    (tmp_path / "old.csv").write_text(table)
    (tmp_path / "old.csv.gz").write_bytes(gzip.compress(table.encode()))
    (tmp_path / "spaces.lp").write_text(f'ctd\\ a,s=a\\ b temp=1,text="x 1" {10**18}  \n')
    (tmp_path / "annotated.csv").write_text(
        "#datatype,string,long,dateTime:RFC3339,double,string,string\n#group,false,false,false,false,true,true\n"
        "#default,_result,,,,,\n,result,table,_time,_value,_field,_measurement\n,,0,2016-01-01T00:00:00Z,1.5,v,m\n"
    )
    options = ["-m", "ctd"] if name.startswith("old") else []
    assert "retention would remove" in agent("import", name, *options).mistake
    assert agent("import", "--keep", name, *options).code == 0
    retain(tmp_path)
    measurement = {"annotated.csv": "m", "spaces.lp": "ctd a"}.get(name, "ctd")
    assert rows(tmp_path, measurement) == (1 if name in ("annotated.csv", "spaces.lp") else 20)


def test_standard_input_is_refused_where_the_first_old_point_is(agent: Shell, tmp_path: Path) -> None:
    agent.settings(QUIET)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [str(COMMAND), "import", "-", "--format", "line-protocol", *options]
        environment = clean_environment(tmp_path)
        text = line("ctd,site=a", 1) * 30_000 + line("ctd,site=a", 15)
        return subprocess.run(
            command, cwd=tmp_path, env=environment, input=text, capture_output=True, text=True, check=False
        )

    refused = run()
    assert refused.returncode == 1
    assert "-: line 30001 has a point of ctd" in refused.stderr
    assert " points before it are stored\n" in refused.stderr
    assert rows(tmp_path, "ctd") == 1
    assert run("--keep").stdout == "-: 30,001 points imported\n"
    retain(tmp_path)
    assert rows(tmp_path, "ctd") == 3


def test_what_was_imported_without_a_limit_has_a_grace_when_there_is_one(agent: Shell, tmp_path: Path) -> None:
    agent.settings(f"{QUIET}[monitoring]\nretention_days = 0\n")
    (tmp_path / "old.lp").write_text(history("ctd,site=a", 20))
    assert agent("import", "old.lp").code == 0
    agent.settings(QUIET)
    [logged] = run_once(tmp_path)
    for part in (
        "monitoring.retention_days keeps points for 14 days, so far they were kept for ever",
        "removes 8 rows (ctd 6, noise 2) from before 20",
        "or at once by tsmon-agent retention apply",
    ):
        assert part in logged
    assert rows(tmp_path, "ctd") == 20
    checked = agent("check")
    assert checked.code == 0
    assert "retention: monitoring.retention_days keeps points for 14 days, so far" in checked.out
    assert "removes 8 rows (ctd 6, noise 2)" in checked.out
    # Changed back, nothing has happened.
    agent.settings(f"{QUIET}[monitoring]\nretention_days = 0\n")
    assert "so far" not in agent("check").out


def test_a_server_applies_a_retention_of_its_own(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    agent.settings(f"[monitoring]\nurl = '{influxdb.url}'\nbucket = '{bucket}'\ntoken = '{influxdb.token}'\n")
    (tmp_path / "old.lp").write_text("ctd temp=1 1400000000000000000\n")
    ran = agent("import", "--keep", "old.lp")
    assert ran.out == "old.lp: 1 points imported\n"
    assert "has a retention of its own, which --keep does not change" in ran.err
