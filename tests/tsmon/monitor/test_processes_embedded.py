"""Processes that share the file of the embedded store: every point is in it once, whoever writes it."""

import os
from pathlib import Path

import pytest

from tests.services.embedded import stored_in_file
from tests.services.processes import run_program

WAIT_S = 60.0

PRELUDE = """
import multiprocessing, os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
from tests.services.points import Numbered
from tsmon import Monitor

monitor = Monitor()
monitor.start_in_background()

def emit(first, points=100):
    for n in range(first, first + points):
        monitor.emit(Numbered(n=n))

def check():
    found = monitor.counts
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped, found
    return found

def work(first):
    emit(first)
    check()
    return os.getpid()

def fork(function, *args):
    child = os.fork()
    if child == 0:
        try:
            function(*args)
        except Exception as error:
            print("child:", repr(error), file=sys.stderr)
        sys.exit(0)
    return child
"""


class Program:
    """Programs in a directory, with the settings of an embedded store in the environment."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "metrics.db"
        self.environment = os.environ | {
            "TSMON_MONITORING__STORE": "sqlite",
            "TSMON_MONITORING__FILE": str(self.file),
            "TSMON_MONITORING__FLUSHING_PERIOD": "1000000",
            "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{directory}",
        }

    def run(self, text: str, **changes: str) -> str:
        """Standard error of a program that must end well."""
        return run_program(self.directory, PRELUDE + text, self.environment | changes)

    def check_stored(self, numbers: "list[int] | range", error: str) -> None:
        """All ``numbers`` are in the file once, and nothing is left beside it."""
        assert {path.name for path in self.directory.glob("metrics.db*")} == {"metrics.db", "metrics.db.lock"}, (
            error
        )
        assert stored_in_file(self.file) == list(numbers), error


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(program: Program, method: str) -> None:
    """Processes, a Pool and a ProcessPoolExecutor; each process has its own accounting."""
    error = program.run(
        f"""
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    emit(0)
    processes = [context.Process(target=work, args=(first,)) for first in (100, 200, 300)]
    for one in processes:
        one.start()
    emit(400)
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0, 0, 0]
    with context.Pool(2) as pool:
        assert os.getpid() not in pool.map(work, range(500, 900, 100))
        pool.close()
        pool.join()
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(work, range(900, 1_200, 100)))
    monitor._background.flush()
    found = check()
    assert (found.accepted, found.recovered, found.pending) == (200, 1_000, 0), found
"""
    )
    assert error == ""
    program.check_stored(range(1_200), error)


def test_forks_that_end_in_any_way_after_a_flush(program: Program) -> None:
    error = program.run(
        """
def end_at_once(first):
    emit(first)
    monitor._background.flush()
    assert check().written == 100
    os._exit(0)

def fork_again(first):
    emit(first)
    grandchild = fork(emit, first + 100)
    os.waitpid(grandchild, 0)

children = [fork(emit, 0), fork(end_at_once, 100), fork(fork_again, 200)]
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
    )
    killed = [line for line in error.splitlines() if line]
    assert len(killed) == 1
    assert "was killed or ended by os._exit()" in killed[0]
    program.check_stored(range(400), error)


@pytest.mark.parametrize("is_idle", [True, False], ids=["idle", "writing"])
def test_a_child_that_outlives_its_parent_becomes_the_owner(program: Program, is_idle: bool) -> None:
    """The parent ends normally, without waiting; the child emits before and after that."""
    error = program.run(
        f"""
emit(0)
if {is_idle}:
    monitor._background.flush()
ready, gone = os.pipe(), os.pipe()

def outlive():
    os.close(gone[1])
    emit(100)
    monitor._background.flush()
    os.write(ready[1], b".")
    os.read(gone[0], 1)  # returns when the parent has ended
    emit(200)
    monitor._background.flush()
    emit(300)

child = fork(outlive)
os.read(ready[0], 1)
"""
    )
    # Its standard error is ours: the program has ended when both have.
    program.check_stored(range(400), error)


SHARING = """
import sys
from tests.services.points import Numbered
from tsmon import Monitor
with Monitor() as monitor:
    for first in (int(sys.argv[1]), 200):
        for n in range(100):
            monitor.emit(Numbered(n=first + n))
        monitor.flush()
        print("written", flush=True)
        sys.stdin.readline()
    # What it had handed over itself, before it became the owner, it has found again.
    assert monitor.counts.recovered == 100
    assert monitor.counts.written == monitor.counts.accepted + 100
"""


def test_a_killed_owner_leaves_the_file_to_the_others(program: Program) -> None:
    error = program.run(
        f"""
import subprocess
monitor._background.stop()
children = [
    subprocess.Popen([sys.executable, "-c", {SHARING!r}, first], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for first in ("0", "100")
]
for child in children:
    assert child.stdout.readline() == b"written\\n"
owner, other = sorted(children, key=lambda child: child.pid != int(open("metrics.db.lock").read()))
owner.kill()
owner.wait()
other.communicate(b"go on\\n")
assert other.returncode == 0
"""
    )
    program.check_stored(range(300), error)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_child_without_access_to_the_file_says_so(program: Program) -> None:
    program.directory.chmod(0o755)
    error = program.run(
        """
def work_as_nobody():
    os.setuid(65_534)
    emit(100)
    try:
        monitor._background.flush(5.0)
    except Exception:
        pass
    assert "ermission" in monitor.last_error, monitor.last_error
    assert check().pending == 100

emit(0)
os.waitpid(fork(work_as_nobody), 0)
"""
    )
    assert "child:" not in error
    assert "the Monitor cannot start, points wait in memory" in error
    assert "100 points were not written before the stop and are lost: " in error
    program.check_stored(range(100), error)
