"""The command as a person runs it: by its ``main`` in this process, or as a process of its own."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tsmon_agent.running_agent import COMMAND, clean_environment
from tsmon_agent.cli import main

__all__ = ["Ran", "Shell", "agent", "as_process"]


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The one sentence of a user's mistake."""
        assert (self.code, self.out) == (1, ""), self
        assert self.err.startswith("tsmon-agent: "), self
        assert self.err.count("\n") == 1, self
        return self.err.removeprefix("tsmon-agent: ").rstrip("\n")


@dataclass
class Shell:
    """Runs the command in an empty directory, with no settings but the test's."""

    directory: Path
    capsys: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, typed: str = "", **variables: str) -> Ran:
        """Run the command; ``typed`` is its standard input, ``variables`` its environment."""
        self.capsys.readouterr()
        with self.patch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
            patch.chdir(self.directory)
            patch.setattr(os, "environ", {**clean_environment(self.directory), **variables})
            patch.setattr(sys, "argv", ["tsmon-agent", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self.capsys.readouterr()
        if isinstance(ended.value.code, str):
            return Ran(1, out, f"{err}{ended.value.code}\n")
        return Ran(ended.value.code or 0, out, err)

    def settings(self, text: str) -> None:
        (self.directory / "tsmon.toml").write_text(text)


@pytest.fixture
def agent(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, capsys, monkeypatch)


def as_process(directory: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> Ran:
    ran = subprocess.run(
        [*prefix, str(COMMAND), *arguments],
        cwd=directory,
        env=clean_environment(directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)
