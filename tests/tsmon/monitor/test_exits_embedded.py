"""However a program with the embedded store ends, every point is in its file."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.embedded import stored_in_file

WAIT_S = 60.0
NEVER_S = "1000000"
POINTS = 100

PRELUDE = f"""
import asyncio, atexit, os, signal, sys, threading, time

@atexit.register
def runs_last():
    '''Registered before tsmon was imported.'''
    for n in late:
        monitor.emit(Numbered(n=n))

late = ()
from tests.services.points import Numbered
from tsmon import Monitor

monitor = Monitor()

def emit(first=0, stop={POINTS}):
    for n in range(first, stop):
        monitor.emit(Numbered(n=n))

async def start():
    await monitor.start()
    emit()
"""

FORMS = {
    "start_in_background": "monitor.start_in_background()\nemit()\n{end}",
    "with": "with monitor:\n    emit()\n    {end}",
    "a with that never ends": "monitor.__enter__()\nemit()\n{end}",
    "async with": "async def main():\n    async with monitor:\n        emit()\n        {end}\nasyncio.run(main())",
    "start on a loop": "async def main():\n    await start()\n    {end}\nasyncio.run(main())",
    "a loop that ended": "asyncio.run(start())\n{end}",
    "a loop in a daemon thread": "loop = asyncio.new_event_loop()\n"
    "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
    "asyncio.run_coroutine_threadsafe(start(), loop).result()\n{end}",
}
ENDS = {
    "return": ("pass", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an unhandled exception": ("raise ValueError('own fault')", 1),
    "an interrupt": ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT),
}

LATE = "points that are emitted after the last flush at the exit are dropped"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.db"


@pytest.fixture
def run(file: Path) -> Run:
    """Run a program to its end, with the settings of an embedded store in the environment."""

    def run(program: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {
            "TSMON_MONITORING__STORE": "sqlite",
            "TSMON_MONITORING__FILE": str(file),
            "TSMON_MONITORING__FLUSHING_PERIOD": NEVER_S,
            "PYTHONPATH": str(Path.cwd()),
        }
        return subprocess.run(
            [sys.executable, "-c", PRELUDE + program],
            cwd=file.parent,
            env=environment | changes,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    return run


CASES = [
    *(("start_in_background", end) for end in ENDS),
    *(("start on a loop", end) for end in ENDS),
    *((form, "an unhandled exception") for form in ("with", "a with that never ends", "async with")),
    *((form, "return") for form in ("a loop that ended", "a loop in a daemon thread")),
]


@pytest.mark.parametrize(("form", "end"), CASES)
def test_every_form_and_every_end(run: Run, file: Path, form: str, end: str) -> None:
    statement, code = ENDS[end]
    done = run(FORMS[form].format(end=statement))
    assert done.returncode == code, done.stderr
    assert "lost" not in done.stderr
    assert "RuntimeError" not in done.stderr
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}
    assert stored_in_file(file) == list(range(POINTS))


def test_threads_that_still_emit(run: Run, file: Path) -> None:
    """Those of a daemon thread up to the last flush are stored, and what comes later is counted."""
    done = run(
        """
monitor.start_in_background()
emit()

def go_on():
    n = 100
    while True:
        monitor.emit(Numbered(n=n))
        n += 1

def work():
    time.sleep(0.05)
    emit(-100, 0)

threading.Thread(target=go_on, daemon=True).start()
threading.Thread(target=work).start()
atexit.register(lambda: print(monitor.counts.accepted))
"""
    )
    assert (done.returncode, done.stderr) == (0, f"{LATE}\n")
    found = stored_in_file(file)
    assert found == list(range(-100, found[-1] + 1))
    assert len(found) >= int(done.stdout)


def test_handlers_of_atexit_emit_after_and_before_the_import_of_tsmon(run: Run, file: Path) -> None:
    done = run(
        """
late = range(100, 150)
atexit.register(emit, 150, 200)
monitor.start_in_background()
atexit.register(emit, 200, 250)
emit()
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert stored_in_file(file) == list(range(250))
