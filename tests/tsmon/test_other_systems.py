"""The library on systems that lack what Linux has; they are not here, so what they lack is taken away."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WINDOWS = """
import asyncio, fcntl, logging, multiprocessing, os, shutil, socket, ssl, subprocess, tempfile, types
import msgspec, isal.igzip, pydantic_settings, platformdirs, apscheduler.schedulers.asyncio, aiohttp
import sys

def locking(descriptor, mode, length, flock=fcntl.flock):
    flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if mode == 2 else 0))

sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2, LK_LOCK=1)
sys.modules["fcntl"] = None
sys.platform = "win32"
for name in ("O_CLOEXEC", "O_DIRECTORY", "fdatasync", "fchmod", "fork", "register_at_fork"):
    delattr(os, name)
"""

MACOS = """
import os, sys
del os.fdatasync
"""

PROGRAM = """
import asyncio
from pathlib import Path
from tsmon import Monitor, Request
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.settings import MonitoringSettings
from tsmon.spool.inspection import find_queues

root = Path(sys.argv[1])
settings = MonitoringSettings(
    url="http://127.0.0.1:1", bucket="b", token="t", service="s", spool="required", spool_directory=root
)

async def run(points):
    monitor = Monitor(settings)
    await monitor.start()
    for n in range(points):
        monitor.emit(Request(route="GET:/", status_code=200, request_id=str(n), execution_time=0.1))
    try:
        await monitor.flush(0.2)
    except TimeoutError:
        pass
    assert monitor.durable_sequence == points
    [queue] = [queue for queue in find_queues(root) if queue.lines == points]
    assert queue.owned
    await monitor.stop(0.1)
    return monitor.counts

counts = asyncio.run(run(3))
assert (counts.pending, counts.dropped) == (3, 0), counts
[queue] = find_queues(root)
assert not queue.owned
counts = asyncio.run(run(2))
assert (counts.recovered, counts.pending, counts.dropped) == (3, 5, 0), counts
DeadLetterFile(root / "dead_letters.jsonl", 1_000).keep(["m v=1 1"], "no")
assert b"m v=1 1" in (root / "dead_letters.jsonl").read_bytes()
with Monitor(MonitoringSettings(store="sqlite", file=root / "own.db", service="s")) as own:
    own.emit(Request(route="GET:/", status_code=200, request_id="1", execution_time=0.1))
    own.flush(10)
    assert own.counts.written == 1
"""


@pytest.mark.parametrize("system", [WINDOWS, MACOS], ids=["windows", "macos"])
def test_the_library_needs_nothing_that_only_linux_has(system: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", system + PROGRAM, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
