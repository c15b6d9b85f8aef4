"""Schemathesis sends a running agent requests that its document describes, and some that it does not."""

import subprocess
import sys
from pathlib import Path

from tests.tsmon_agent.running_agent import RunningAgent, running_agent
from tests.tsmon_agent.shell import as_process

PATIENCE_S = 600.0
"""Half a minute is enough, unless the machine is busy with other things; only a hang takes so long."""

SETTINGS = """
[monitoring]
store = "sqlite"
file = "tsmon.db"
flushing_period = 0.2

[agent]
interval = 1.0

[web]
port = 0
"""


def conformance(agent: RunningAgent, directory: Path, *arguments: str) -> None:
    """Fail with what schemathesis found."""
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--no-color",
            "run",
            f"{agent.address}/openapi.json",
            "--phases=examples,coverage,fuzzing",
            "--checks=all",
            # What a text means (a time, a selector) is more than its schema says.
            "--exclude-checks=positive_data_acceptance",
            "--max-examples=25",
            "--seed=1",
            "--warnings=off",
            "--continue-on-failure",
            *arguments,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Operations:" in run.stdout
    assert agent.process.poll() is None
    assert "a page could not be made" not in agent.log


def test_every_answer_is_one_that_the_document_names(tmp_path: Path) -> None:
    with running_agent(tmp_path, SETTINGS) as agent:
        agent.wait(lambda one: one.get("/readyz")[0] == 200)
        conformance(agent, tmp_path)


def test_so_is_every_answer_to_who_may_change_everything(tmp_path: Path) -> None:
    with running_agent(tmp_path, SETTINGS) as agent:
        agent.wait(lambda one: one.get("/readyz")[0] == 200)
        token = as_process(tmp_path, "token", "create", "tester", "--role", "administer").out.strip()
        # Its own tries with tokens that are not good are limited, and so would all others be then.
        conformance(agent, tmp_path, f"--header=Authorization: Bearer {token}", "--exclude-checks=ignored_auth")
        assert "rolled back" not in agent.log
        said = as_process(tmp_path, "audit", "--json").out
        assert '"action":"expect a stream"' in said.replace(": ", ":")
