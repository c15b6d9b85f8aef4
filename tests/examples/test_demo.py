"""The demo as somebody starts it, with a short history: what is seen on its pages, how it ends, how it goes on."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from examples.demo.history import make_deployments, make_lines, make_stretches
from examples.demo.instruments import DAY, INSTRUMENTS, Instrument
from tests.tsmon_agent.running_agent import clean_environment
from tests.tsmon_agent.waiting import eventually_sync

ROOT = Path(__file__).parents[2]
NOW = 1_790_000_000
FALTERS = "RS03AXBS-LJ03A-12-CTDPFB301"
STATES = {
    "CE01ISSM-MFC31-00-CPMENG000": "not-tracked",
    "CE01ISSM-MFD37-03-CTDBPC000": "operational",
    "CE01ISSM-SBD17-06-FLORTD000": "degraded",
    "CE04OSPS-SF01B-2A-CTDPFA107": "failed",
    "GP03FLMA-RIM01-02-CTDMOG040": "silent-host",
    "GP03FLMA-RIS01-04-PHSENF000": "silent-host",
    "RS03INT1-MJ03C-10-TRHPHA301": "operational",
}


class Demo:
    """One process of it, and what it printed."""

    def __init__(self, log: Path, directory: Path, *arguments: str) -> None:
        self._log = log
        # A server that is set for something else is not written to.
        environment = {**clean_environment(log.parent), "TSMON_MONITORING__URL": "http://127.0.0.1:9"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "examples.demo", str(directory), "--port", "0", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, words: str, wait_s: float = 60) -> None:
        """Until it has printed that."""
        eventually_sync(lambda: words in self.log or self.process.poll() is not None, wait_s)
        assert words in self.log

    def get(self, path: str) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.log)
        assert found is not None, self.log
        with urllib.request.urlopen(f"{found[0]}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def states(self) -> dict[str, str]:
        """Of each instrument but the one that changes all the time."""
        found = re.findall(
            r'data-instrument="([^"]+)"><span class="state" data-state="([^"]+)"', self.get("/streams")
        )
        states = dict(found)
        assert states.pop(FALTERS) in {"operational", "degraded"}
        return states

    def categories(self, designator: str) -> dict[str, set[str]]:
        """What there is of each stream."""
        measures: list[dict[str, Any]] = json.loads(self.get(f"/available/{designator}"))["availability"]
        return {one["measure"]: {row[1] for row in one["data"]} for one in measures}

    def stop(self, number: int) -> None:
        """It ends without complaint."""
        self.process.send_signal(number)
        assert self.process.wait(20) == 0, self.log
        assert "Traceback" not in self.log


@contextmanager
def demo(log: Path, directory: Path, *arguments: str) -> Iterator[Demo]:
    one = Demo(log, directory, *arguments)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def counts(directory: Path) -> dict[tuple[str, str, str], int]:
    """Points of each stream that gets no new ones."""
    live = {(one.designator, s.method, s.name) for one in INSTRUMENTS for s in one.streams if s.live}
    with closing(sqlite3.connect(directory / "tsmon.db")) as file:
        [(number,)] = file.execute("SELECT id FROM measurements WHERE name = 'samples'")
        rows = file.execute(
            f"SELECT tags, count(*) FROM m{number} JOIN series ON id = series GROUP BY id"
        ).fetchall()
    found = {}
    for text, points in rows:
        tags = dict(json.loads(text))
        found[tags["reference_designator"], tags["method"], tags["stream"]] = points
    assert live < found.keys()
    return {stream: points for stream, points in found.items() if stream not in live}


def test_every_state_is_there_and_the_next_start_changes_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with demo(tmp_path / "first", directory, "--years", "0.5") as first:
        first.wait_for("Ctrl-C")
        assert first.states() == STATES
        new = first.categories("RS03INT1-MJ03C-10-TRHPHA301")["streamed trhph_sample"]
        assert {"Present", "Missing"} <= new
        assert any(category.startswith("Sparsity Level") for category in new)
        # The other one is switched off.
        assert first.categories("CE01ISSM-SBD17-06-FLORTD000").keys() == {"Deployments", "telemetered flort_sample"}
        assert "optode_diagnostics" in first.get(f"/streams/{FALTERS}?range=5y")
        with demo(tmp_path / "beside", directory) as beside:
            assert beside.process.wait(20) == 1
            assert beside.log.startswith("another demo runs in ")
        first.stop(signal.SIGINT)
    before = counts(directory)

    began = time.monotonic()
    with demo(tmp_path / "second", directory) as second:
        second.wait_for("Ctrl-C")
        assert time.monotonic() - began < 10
        assert "filling" not in second.log
        assert second.states() == STATES
        second.stop(signal.SIGTERM)
    assert counts(directory) == before


def test_a_history_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with demo(tmp_path / "log", directory) as one:
        one.wait_for("FLORTD000")
        one.stop(signal.SIGINT)
    assert {file.name for file in directory.iterdir()} == {"lock", "tsmon.toml"}


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: one.designator)
def test_points_are_the_same_each_time_and_lie_in_deployments(instrument: Instrument) -> None:
    start = NOW - 1826 * DAY
    planned = make_deployments(instrument.site, start, NOW)
    assert planned[-1][1] is None
    assert all(end is not None and end < begin for (_, end), (begin, _) in pairwise(planned))
    for stream in instrument.streams:
        found = list(make_stretches(instrument, stream, start, NOW))
        assert found == list(make_stretches(instrument, stream, start, NOW))
        assert all(any(b <= low < high <= (e or NOW) for b, e in planned) for low, high, _ in found)
        ordered = sorted(found)
        assert all(high <= low for (_, high, _), (low, _, _) in pairwise(ordered))
        newest = make_lines(instrument, stream, ordered[-1])[-1]
        if not stream.method.startswith("recovered"):
            age = NOW - int(newest.rpartition(" ")[2]) // 1_000_000_000
            assert 0 <= age - stream.behind <= (stream.live or stream.period * 3)
