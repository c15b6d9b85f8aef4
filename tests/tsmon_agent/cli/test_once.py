"""``tsmon-agent once``: one round of samples."""

import subprocess
from pathlib import Path

import pytest

from tests.tsmon_agent.running_agent import COMMAND, clean_environment
from tests.tsmon_agent.shell import Shell, as_process
from tsmon.line_protocol import parse
from tsmon_agent.host.samplers import SAMPLERS


def test_one_round_of_all_samplers_is_printed(tmp_path: Path) -> None:
    (tmp_path / "tsmon.toml").write_text('[agent]\nhost = "here"\n[monitoring.tags]\nroom = "b2"\n')
    ran = as_process(tmp_path, "once")
    assert (ran.code, ran.err) == (0, "")
    points = list(parse(ran.out.encode()))
    assert {point.measurement for point in points} == set(SAMPLERS)
    assert {point.tags["host"] for point in points} == {"here"}
    assert {point.tags["room"] for point in points} == {"b2"}
    assert all(point.time_ns for point in points)
    assert not (tmp_path / "data").exists()


def test_samplers_of_the_settings_alone(agent: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsmon_agent.cli.once.PRIME_S", 0.1)
    agent.settings('[agent]\nsamplers = ["cpu", "mem"]\npercpu = false\n')
    ran = agent("once")
    assert ran.code == 0
    assert {line.split(",")[0] for line in ran.out.splitlines()} == {"cpu", "mem"}
    assert sum(line.startswith("cpu,") for line in ran.out.splitlines()) == 1


def test_sampler_that_fails_is_named_and_affects_no_other(
    agent: Shell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise OSError("no such thing here")

    monkeypatch.setattr("tsmon_agent.cli.once.PRIME_S", 0.1)
    monkeypatch.setattr(SAMPLERS["swap"], "sample", fail)
    agent.settings('[agent]\nsamplers = ["swap", "mem"]\n')
    ran = agent("once")
    assert ran.code == 1
    assert [line.split(",")[0] for line in ran.out.splitlines()] == ["mem"]
    assert "the sampler swap failed: OSError: no such thing here" in caplog.text


def test_reader_that_leaves_early_is_not_a_mistake(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'"{COMMAND}" once | head -c 1'],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, len(ran.stdout), ran.stderr) == (0, 1, "")
