"""``tsmon-agent run --print``: line protocol instead of a store."""

import subprocess
from pathlib import Path

from tests.tsmon_agent.running_agent import COMMAND, clean_environment, running_agent
from tsmon.line_protocol import parse


def test_rounds_are_printed_until_the_end_and_nothing_is_stored(tmp_path: Path) -> None:
    settings = "[agent]\ninterval = 0.2\nsamplers = ['mem', 'cpu']\n"
    with running_agent(tmp_path, settings, "--print") as agent:
        agent.wait(lambda one: one.out.count("mem,") >= 3 and "cpu," in one.out)
        assert agent.stop() == 0
        assert agent.log == ""
        points = list(parse(agent.out.encode()))
    assert {point.measurement for point in points} == {"mem", "cpu"}
    assert not (tmp_path / "data").exists()


def test_reader_that_leaves_ends_it(tmp_path: Path) -> None:
    (tmp_path / "tsmon.toml").write_text("[agent]\ninterval = 0.1\nsamplers = ['mem']\n")
    ran = subprocess.run(
        ["sh", "-c", f'"{COMMAND}" run --print | head -n 2'],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout.count("\n"), ran.stderr) == (0, 2, "")
