"""What all servers and programs of the tests' own have in common."""

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["free_port", "run_program", "stop"]

STOP_S: Final = 15.0
PROGRAM_S: Final = 60.0


def free_port() -> int:
    """A port of this machine's that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> None:
    """End a server by its signal, and by force where it takes too long."""
    process.send_signal(by)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_program(directory: Path, text: str, environment: Mapping[str, str]) -> str:
    """Standard error of a program that must end well; it is written to ``directory`` and runs there."""
    path = directory / "program.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
