"""``tsmon-agent fresh``: for people, for programs, and for other monitoring by its exit code."""

import json
import time
from pathlib import Path

from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.shell import Shell, agent

__all__ = ["agent"]

S = 1_000_000_000
EXPECTED = "CE01-A,streamed,ctd,1,60,600\nCE02-B,streamed,ctd,1,60,600\n"


EARLIER_S = (100, 200, 300, 400, 500, 590)
"""Ages of other data, within the last ten whole minutes at any second of the minute."""


def prepare(agent: Shell, tmp_path: Path, *ages_s: int) -> None:
    (tmp_path / "expected.csv").write_text(EXPECTED)
    assert agent("streams", "load", "expected.csv").code == 0
    now = time.time_ns()
    lines = [
        f"ctd,reference_designator={name},method=streamed value=1 {now - one_s * S}\n"
        for name, age_s in zip(("CE01-A", "CE02-B"), ages_s, strict=False)
        for one_s in (age_s, *EARLIER_S)
    ]
    (tmp_path / "data.lp").write_text("".join(lines))
    assert agent("import", "data.lp").code == 0


def test_states_by_symbol_and_label_and_the_worst_as_exit_code(agent: Shell, tmp_path: Path) -> None:
    prepare(agent, tmp_path, 5, 99)
    ran = agent("fresh")
    assert ran.code == 1
    rows = [line.split() for line in ran.out.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["✓", "operational", "CE01-A", "streamed"],
        ["△", "degraded", "CE02-B", "streamed"],
    ]
    assert rows[0][-2:] in (["0.01", "1"], ["0.01167", "1"]), "the newest may be of the next minute"
    assert rows[1][-2:] == ["0.01167", "1"]
    assert agent("fresh", "CE01-A").code == 0
    assert agent("fresh", "CE03").mistake == "no stream is expected of 'CE03'; see tsmon-agent streams list"


def test_without_data_a_stream_has_failed_and_has_no_age(agent: Shell, tmp_path: Path) -> None:
    prepare(agent, tmp_path, 5)
    ran = agent("fresh", "--json")
    assert ran.code == 2
    assert [(one["state"], one["age"] is None) for one in json.loads(ran.out)] == [
        ("operational", False),
        ("failed", True),
    ]
    assert [one["rate"] for one in json.loads(ran.out)] in ([6 / 600, 0.0], [7 / 600, 0.0])
    assert [one["expected_rate"] for one in json.loads(ran.out)] == [1.0, 1.0]


def test_nothing_expected(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "data.lp").write_text("m v=1 1\n")
    agent("import", "data.lp")
    ran = agent("fresh")
    sentence = "no streams are expected; load a table of them with tsmon-agent streams load FILE\n"
    assert (ran.code, ran.out) == (0, sentence)


def test_the_agent_writes_what_changes(tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text(EXPECTED)
    settings = "[agent]\ninterval = 0.5\n[web]\nport = 0\n"
    settings += "[freshness]\ninterval = 1.0\n[streams]\nexpected = 'expected.csv'\n"
    file = tmp_path / "data" / "tsmon" / "tsmon.db"
    with running_agent(tmp_path, settings) as running:
        running.wait(lambda _: read_rows(file, "stream_freshness"))
        assert running.stop() == 0
        assert "('CE01-A', 'streamed', 'ctd') is failed" in running.log
    assert {(row["rate"], row["expected_rate"]) for row in read_rows(file, "stream_freshness")} == {(0.0, 1.0)}
    rows = read_rows(file, "stream_freshness")
    assert {(row["tags"]["reference_designator"], row["state"], row["level"], row.get("age")) for row in rows} == {
        ("CE01-A", "failed", 3, None),
        ("CE02-B", "failed", 3, None),
    }
