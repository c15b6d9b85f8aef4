"""The command with its state on every database."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.tsmon_agent.cli.inventory_tables import DEPLOYMENTS, STREAMS
from tests.tsmon_agent.shell import Shell


@pytest.fixture
def run(agent: Shell, state_url: str) -> Any:
    """The command, with a new state."""
    return partial(agent, TSMON_STATE__URL=state_url)


@pytest.fixture
def loaded(run: Any, tmp_path: Path) -> Any:
    """The command, with streams and deployments in its state."""
    (tmp_path / "expected.csv").write_text(STREAMS)
    (tmp_path / "deployed.csv").write_text(DEPLOYMENTS)
    assert run("streams", "load", "expected.csv").out == "expected.csv: 3 added, 0 changed, 0 unchanged\n"
    assert run("deployments", "load", "deployed.csv").out == "deployed.csv: 2 added, 0 changed, 0 unchanged\n"
    return run
