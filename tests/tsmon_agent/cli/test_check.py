"""``tsmon-agent check``: settings and store."""

from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.shell import Ran, Shell


def test_embedded_store(agent: Shell, tmp_path: Path) -> None:
    agent.settings("[agent]\nsamplers = ['cpu', 'mem']\nintervals = {mem = 60}\n")
    assert agent("check") == Ran(
        0,
        "settings: fine; samplers: cpu every 10 s, mem every 60 s\n"
        f"store: SQLite file {tmp_path / 'data' / 'tsmon' / 'tsmon.db'} does not exist yet and can be created\n",
        "",
    )


@pytest.mark.parametrize("name", ["tsmon.db", "tsmon.db-wal", "tsmon.db.lock", "link.db", "./a/../tsmon.db"])
@pytest.mark.parametrize("exists", [False, True])
def test_the_state_in_the_file_of_the_store(agent: Shell, tmp_path: Path, name: str, exists: bool) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "tsmon.db")
    agent.settings(f'[monitoring]\nfile = "tsmon.db"\n[state]\nurl = "sqlite:///{name}"\n')
    if exists:
        (tmp_path / "tsmon.db").touch()
    for command in (["check"], ["streams", "list"], ["run"]):
        sentence = agent(*command).mistake
        assert sentence.startswith("state.url names ")
        assert sentence.endswith(", which the embedded store uses; name another file")


def test_the_store_in_the_place_of_the_state(agent: Shell) -> None:
    agent.settings('[monitoring]\nfile = "state.db"\n')
    assert agent("check").mistake == (
        "monitoring.file names state.db, where the state would be; name another file, or set state.url"
    )
    agent.settings('[monitoring]\nfile = "state.db"\n[state]\nurl = "sqlite:///people.db"\n')
    assert agent("check").code == 0


def test_server(agent: Shell, influxdb: InfluxDB, bucket: str) -> None:
    ran = agent("check", **server(influxdb.url, bucket, influxdb.token))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1].startswith("store: InfluxDB ")
    assert influxdb.token not in ran.out


def test_wrong_token(agent: Shell, influxdb: InfluxDB, bucket: str) -> None:
    sentence = agent("check", **server(influxdb.url, bucket, "a-wrong-token")).mistake
    assert "token" in sentence
    assert "a-wrong-token" not in sentence


def test_address_where_nobody_answers(agent: Shell) -> None:
    assert "http://127.0.0.1:9" in agent("check", **server("http://127.0.0.1:9", "b", "t")).mistake


def server(url: str, bucket: str, token: str) -> dict[str, str]:
    return {
        "TSMON_MONITORING__URL": url,
        "TSMON_MONITORING__BUCKET": bucket,
        "TSMON_MONITORING__TOKEN": token,
    }
