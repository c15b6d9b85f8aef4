"""A Monitor that takes points and is never started: its loss at the exit is one sentence with the remedy."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from tests.services.own_store import OwnStore
from tests.services.points import Numbered
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

idle = Monitor(store=OwnStore())
"""
LOST = (
    "3 points were not written before the stop and are lost: the Monitor was not started; "
    "use it as `with` or `async with`, or call start() or start_in_background()"
)


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + program],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


def test_the_sentence_names_the_remedy_once() -> None:
    assert run("monitor = Monitor(store=OwnStore())\nfor n in range(3): monitor.emit(Numbered(n=n))") == f"{LOST}\n"


def test_the_spool_keeps_them(tmp_path: Path) -> None:
    settings = f"MonitoringSettings(url='http://127.0.0.1:1', bucket='b', spool_directory={str(tmp_path)!r})"
    error = run(f"monitor = Monitor({settings})\nfor n in range(3): monitor.emit(Numbered(n=n))")
    assert error == "3 points were not written before the stop; the spool keeps them\n"
    assert list(tmp_path.rglob("*.seg"))
