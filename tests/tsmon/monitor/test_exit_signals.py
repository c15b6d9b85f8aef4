"""Signals that end a program: what waits is written before, and the program ends as it would have."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services.embedded import stored_in_file
from tests.tsmon.monitor.test_processes_embedded import Program

if sys.platform == "win32":
    pytest.skip("needs signals of POSIX", allow_module_level=True)

WAIT_S = 60.0

SIGNALLED = """
import asyncio, os, signal, sys, threading, time
from tests.services.points import Numbered
from tsmon import Monitor

# Whoever runs the tests may ignore them, such as nohup.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
monitor = Monitor()

def emit(first=0, points=100):
    for n in range(first, first + points):
        monitor.emit(Numbered(n=n))

def ready():
    print("ready", flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def end_by(program: Program, text: str, number: int = signal.SIGTERM, **changes: str) -> tuple[int, str, float]:
    """Send ``number`` when the program is ready; returns its code, its standard error, and how long it took."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SIGNALLED + text],
        cwd=program.directory,
        env=program.environment | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
        began = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=WAIT_S)
    return process.returncode, error, time.monotonic() - began


IN_BACKGROUND = "monitor.start_in_background()\nemit()\nready()\n"

WITHOUT_HANDLER = {
    "sleeping": IN_BACKGROUND + "time.sleep(60)",
    "computing": IN_BACKGROUND + "while True: pass",
    "waiting for a lock": IN_BACKGROUND + "lock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    "waiting for a thread": IN_BACKGROUND + "threading.Thread(target=time.sleep, args=(60,)).start()",
    "inside with": "with monitor:\n    emit()\n    ready()\n    time.sleep(60)",
    "on a loop": """
async def main():
    async with monitor:
        emit()
        ready()
        await asyncio.sleep(60)
asyncio.run(main())
""",
    "beside a loop of its own": """
monitor.start_in_background()
async def main():
    emit()
    ready()
    await asyncio.sleep(60)
asyncio.run(main())
""",
    "patched by gevent": "from gevent import monkey\nmonkey.patch_all()\n" + IN_BACKGROUND + "time.sleep(60)",
    "patched by gevent later": IN_BACKGROUND.replace("emit", "from gevent import monkey\nmonkey.patch_all()\nemit")
    + "threading.Event().wait()",
    "computing under gevent": "from gevent import monkey\nmonkey.patch_all()\n"
    + IN_BACKGROUND
    + "while True: pass",
    "after a loop that ended": """
async def main():
    await monitor.start()
    emit()
asyncio.run(main())
ready()
time.sleep(60)
""",
}


@pytest.mark.parametrize("text", WITHOUT_HANDLER.values(), ids=WITHOUT_HANDLER.keys())
def test_without_a_handler_all_is_written_and_the_signal_ends_the_program(program: Program, text: str) -> None:
    code, error, took_s = end_by(program, text)
    assert code == -signal.SIGTERM, error
    assert "lost" not in error
    assert took_s < 10
    program.check_stored(range(100), error)


def test_a_terminal_that_is_closed(program: Program) -> None:
    code, error, _ = end_by(program, WITHOUT_HANDLER["sleeping"], signal.SIGHUP)
    assert code == -signal.SIGHUP, error
    program.check_stored(range(100), error)


HANDLERS = {
    "sys.exit": ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))", 5),
    "an exception": ("def fail(*_): raise ValueError\nsignal.signal(signal.SIGTERM, fail)", 1),
    "that emits and goes on": ("signal.signal(signal.SIGTERM, lambda *_: emit(-50, 50))", 0),
    "ignored": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 0),
}


@pytest.mark.parametrize("is_early", [True, False], ids=["before the start", "after the start"])
@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_of_the_program_is_called_as_without_tsmon(program: Program, name: str, is_early: bool) -> None:
    handler, code = HANDLERS[name]
    before, after = (handler, "") if is_early else ("", handler)
    found, error, _ = end_by(
        program,
        f"""
{before}
mine = signal.getsignal(signal.SIGTERM)
monitor.start_in_background()
emit()
{after}
if {is_early}:
    assert signal.getsignal(signal.SIGTERM) is mine
ready()
time.sleep(0.3)
""",
    )
    assert found == code, error
    numbers = range(-50, 100) if "emit" in handler else range(100)
    program.check_stored(numbers, error)


def test_a_handler_that_the_program_takes_away_again(program: Program) -> None:
    """The signal still has its default for Python, then a handler, then the default again, with the next start."""
    code, error, _ = end_by(
        program,
        """
monitor.start_in_background()
assert signal.signal(signal.SIGTERM, lambda *_: None) is signal.SIG_DFL
monitor._background.stop()
signal.signal(signal.SIGTERM, signal.SIG_DFL)
monitor.start_in_background()
emit()
ready()
while True:
    pass
""",
    )
    assert code == -signal.SIGTERM, error
    program.check_stored(range(100), error)


RAISED_AGAIN = """
def clean_up(number, _):
    emit(100, 50)
    signal.signal(number, before)
    os.kill(os.getpid(), number)
"""


@pytest.mark.parametrize("is_early", [True, False], ids=["before the start", "after the start"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_handler_that_ends_the_program_by_the_default(
    program: Program, number: signal.Signals, is_early: bool
) -> None:
    """The usual way to clean up and still end by the signal, as Twisted and others do it."""
    handler = f"before = signal.SIG_DFL\nsignal.signal({number:d}, clean_up)\n"
    early, late = (handler, "") if is_early else ("", handler)
    text = f"{RAISED_AGAIN}{early}monitor.start_in_background()\n{late}emit()\nready()\ntime.sleep(60)"
    code, error, took_s = end_by(program, text, number)
    assert code == -number, error
    assert took_s < 10
    program.check_stored(range(150), error)


DEFAULT_AGAIN = {
    "a handler that is taken away": """
signal.signal(signal.SIGTERM, print)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
""",
    "a handler of a loop that ended": """
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
asyncio.run(main())
""",
    "the default, set once more": "signal.signal(signal.SIGTERM, signal.SIG_DFL)",
}


@pytest.mark.parametrize("name", DEFAULT_AGAIN)
def test_the_default_that_is_set_while_the_monitor_runs(program: Program, name: str) -> None:
    text = f"monitor.start_in_background()\n{DEFAULT_AGAIN[name]}\nemit()\nready()\ntime.sleep(60)"
    code, error, _ = end_by(program, text)
    assert code == -signal.SIGTERM, error
    program.check_stored(range(100), error)


def test_ctrl_c_without_a_handler(program: Program) -> None:
    """Programs with a loop in C, such as those of Qt, set the default for it."""
    text = "signal.signal(signal.SIGINT, signal.SIG_DFL)\n" + IN_BACKGROUND + "time.sleep(60)"
    code, error, _ = end_by(program, text, signal.SIGINT)
    assert code == -signal.SIGINT, error
    program.check_stored(range(100), error)


def test_a_main_thread_that_is_in_c(program: Program) -> None:
    """A handler in Python would not run before the end of that function."""
    long = "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
    code, error, took_s = end_by(program, IN_BACKGROUND + long)
    assert code == -signal.SIGTERM, error
    assert took_s < 10
    program.check_stored(range(100), error)


def test_the_second_signal_ends_the_program_at_once(program: Program) -> None:
    """The server is away, and a stop would wait for it."""
    away = {
        "TSMON_MONITORING__STORE": "influxdb",
        "TSMON_MONITORING__URL": "http://127.0.0.1:1",
        "TSMON_MONITORING__SPOOL": "off",
    }
    twice = "os.kill(os.getpid(), signal.SIGTERM)\n"
    code, error, took_s = end_by(program, IN_BACKGROUND + "time.sleep(0.5)\n" + twice + "time.sleep(60)", **away)
    assert code == -signal.SIGTERM
    assert "before the stop" not in error
    assert took_s < 4


def test_a_server_that_is_away_delays_the_end_for_a_limited_time_and_the_spool_keeps(program: Program) -> None:
    away = {
        "TSMON_MONITORING__STORE": "influxdb",
        "TSMON_MONITORING__URL": "http://127.0.0.1:1",
        "TSMON_MONITORING__SPOOL_DIRECTORY": str(program.directory / "spool"),
    }
    code, error, took_s = end_by(program, WITHOUT_HANDLER["sleeping"], **away)
    assert code == -signal.SIGTERM
    assert "100 points were not written before the stop; the spool keeps them" in error
    assert took_s < 10


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_that_are_terminated(program: Program, method: str) -> None:
    """Pool.terminate, which also ends a pool's ``with``, and Process.terminate."""
    error = program.run(
        f"""
def work_and_wait(first):
    emit(first)
    open(f"ready{{first}}", "w").close()
    time.sleep(60)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    emit(0)
    with context.Pool(2) as pool:
        pool.map(work, (100, 200))
    process = context.Process(target=work_and_wait, args=(300,))
    process.start()
    while not os.path.exists("ready300"):
        time.sleep(0.01)
    process.terminate()
    process.join()
    assert process.exitcode == -signal.SIGTERM
"""
    )
    assert error == ""
    program.check_stored(range(400), error)


def test_a_child_that_is_killed_loses_what_it_had_not_handed_over_and_the_parent_logs_it(program: Program) -> None:
    error = program.run(
        """
def be_killed():
    emit(100)
    monitor._background.flush()
    emit(200)
    os.kill(os.getpid(), signal.SIGKILL)

emit(0)
child = fork(be_killed)
os.waitpid(child, 0)
"""
    )
    assert (
        "was killed or ended by os._exit(); points that it emitted after its last flush, if any, are lost" in error
    )
    assert stored_in_file(program.file) == list(range(200))
