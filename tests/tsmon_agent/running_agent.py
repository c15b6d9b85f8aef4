"""The agent as a process of its own, as a person or systemd starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.tsmon_agent.waiting import eventually_sync

__all__ = ["COMMAND", "RunningAgent", "clean_environment", "running_agent"]

COMMAND: Final = Path(sys.executable).with_name("tsmon-agent")
STOP_S: Final = 30.0


def clean_environment(directory: Path) -> dict[str, str]:
    """Settings of the test only, and files in its directory only."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("TSMON_")},
        "HOME": str(directory),
        "XDG_DATA_HOME": str(directory / "data"),
        "XDG_STATE_HOME": str(directory / "state"),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


class RunningAgent:
    """One process of ``tsmon-agent run``; its settings are ``tsmon.toml`` in ``directory``."""

    def __init__(self, directory: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        self.settings = directory / "tsmon.toml"
        self._out = directory / "agent.out"
        self._err = directory / "agent.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*prefix, str(COMMAND), "run", *arguments],
                cwd=directory,
                env=clean_environment(directory),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def log(self) -> str:
        return self._err.read_text()

    @property
    def address(self) -> str:
        """The address of its pages, as it printed it."""
        found = re.search(r"shown on (https?://\S+)", self.out)
        assert found is not None, self.out
        return found[1]

    def wait(self, seen: "Callable[[RunningAgent], Any]") -> Any:
        """Wait for the first true value of ``seen``, while it runs."""

        def look() -> Any:
            assert self.process.poll() is None, f"the agent ended:\n{self.log}"
            return seen(self)

        try:
            return eventually_sync(look)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.out}\n{self.log}") from None

    def get(self, path: str) -> tuple[int, Any]:
        """Get one of its pages: status and body, decoded if it is JSON."""
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
                return answer.status, _decode(answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decode(error.read(), error.headers)

    @property
    def pipeline(self) -> dict[str, Any]:
        status, state = self.get("/api/pipeline")
        assert status == 200
        return dict(state)

    @property
    def last_error(self) -> str | None:
        """The store's last error, if its last answer was not a success."""
        error = self.pipeline["last_error"]
        return None if error is None else str(error)

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_S)


@contextmanager
def running_agent(
    directory: Path, settings: str, *arguments: str, prefix: tuple[str, ...] = ()
) -> Iterator[RunningAgent]:
    """A started agent, killed at the end unless the test has stopped it."""
    (directory / "tsmon.toml").write_text(settings)
    agent = RunningAgent(directory, *arguments, prefix=prefix)
    try:
        if "--print" not in arguments:
            agent.wait(lambda one: one.out)
        yield agent
    finally:
        if agent.process.poll() is None:
            agent.process.kill()
        agent.process.wait()


def _decode(body: bytes, headers: Any) -> Any:
    return json.loads(body) if headers.get_content_type() == "application/json" else body.decode()
