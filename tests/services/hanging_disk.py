"""A disk that hangs, as that of a file server that is away: for a program of its own, below one directory."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services.required import missing

__all__ = ["HangingDisk", "hanging_disk"]

PRELUDE = """
import asyncio, json, os, sys, time
from pathlib import Path
from tests.services.points import Numbered
from tsmon import FlushTimeoutError, Monitor
from tsmon.settings import MonitoringSettings

options = json.loads(os.environ["OPTIONS"])
disk, switch = Path(os.environ["HANGING_ROOT"]), Path(os.environ["HANGING_SWITCH"])
found = {}

def hang():
    switch.touch()

def answer():
    switch.unlink()

class timing:
    '''The seconds that a block takes.'''
    def __init__(self, name):
        self.name = name
    def __enter__(self):
        self.began = time.monotonic()
    def __exit__(self, *_):
        found[self.name] = time.monotonic() - self.began

async def ticking(name):
    '''The longest time for which the event loop stood still.'''
    name = f"{name} still"
    found[name] = 0.0
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.005)
        found[name] = max(found[name], time.monotonic() - began - 0.005)

def note(monitor, name):
    counts = monitor.counts
    assert counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped, counts
    found[name] = [counts.accepted, counts.written, counts.pending, dict(counts.dropped_by)]

def report():
    found["ended"] = time.time()
    print(json.dumps(found), flush=True)

"""


@dataclass(frozen=True)
class Found:
    """What a program has reported, what it has logged, and how long its exit took."""

    values: dict[str, Any]
    log: str
    exit_s: float


class HangingDisk:
    """``disk`` is the directory that hangs for a program while it has called ``hang()`` and not ``answer()``."""

    def __init__(self, directory: Path, shim: Path) -> None:
        self._directory = directory
        self._shim = shim
        self.root = directory / "disk"
        """The directory."""

    def run(self, program: str, **options: Any) -> Found:
        """Run ``program`` after :data:`PRELUDE` with ``options`` of ``[monitoring]``, until its end."""
        environment = os.environ | {
            "LD_PRELOAD": str(self._shim),
            "HANGING_ROOT": str(self.root),
            "HANGING_SWITCH": str(self._directory / "hangs"),
            "OPTIONS": json.dumps(
                {"spool_directory": str(self.root / "spool"), "self_metrics_period": 0} | options
            ),
            "PYTHONPATH": str(Path.cwd()),
        }
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + program],
            env=environment,
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        ended = time.time()
        assert done.returncode == 0, done.stderr
        values = json.loads(done.stdout.splitlines()[-1])
        return Found(values, done.stderr, ended - values["ended"])


@pytest.fixture(scope="session")
def _shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        missing("a disk that hangs needs a C compiler; on Debian: apt-get install gcc")
    library = tmp_path_factory.mktemp("shim") / "hanging_disk.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.fixture
def hanging_disk(tmp_path: Path, _shim: Path) -> HangingDisk:
    """A disk that hangs for the programs that it runs."""
    disk = HangingDisk(tmp_path, _shim)
    disk.root.mkdir()
    return disk
