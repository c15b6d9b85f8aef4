"""Programs as a user of a container: an arbitrary number, without a name, a home and a place in this system."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

__all__ = ["UID", "run_as_nobody"]

UID: Final = 54_321

SCRIPT: Final = (
    'mkdir -p "$1" && mount --bind "$2" "$1" && mount -t tmpfs -o mode=755 tmpfs "$3" && mkdir -p "$2" && \
mount --bind "$1" "$2" && shift 3 && exec "$@"'
)
"""Makes the interpreter reachable where it is in a home that others may not enter; in this process only."""


def run_as_nobody(command: list[str], directory: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Run a command as that user in ``directory``, with exactly this environment; returns code, out and err."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux can run a program as another user")
    done = subprocess.run(
        [*_prefix(directory), "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _prefix(directory: Path) -> list[str]:
    interpreter = Path(sys.executable).resolve()
    closed = next((one for one in reversed(interpreter.parents) if not one.stat().st_mode & 0o001), None)
    if closed is None:
        return []
    place = directory.parent / f"{directory.name}-interpreter"
    return ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(place), sys.base_prefix, str(closed)]
