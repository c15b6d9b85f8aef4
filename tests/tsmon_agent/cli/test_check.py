"""``tsmon-agent check``: settings and store."""

from pathlib import Path

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
