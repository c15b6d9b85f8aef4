"""A Monitor in programs without an event loop, and at their end."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import Numbered, stored
from tsmon import FlushTimeoutError, InvalidPointError, Monitor, SettingsError, TsmonError
from tsmon.monitor.background import BackgroundMonitor
from tsmon.settings import MonitoringSettings

WAIT_S = 20.0
NEVER_S = 1e6

Settings = Callable[..., MonitoringSettings]


@pytest.fixture
def settings(influxdb: InfluxDB, bucket: str) -> Settings:
    def make(**changes: Any) -> MonitoringSettings:
        plain = {
            "url": influxdb.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token": influxdb.token,
            "flushing_period": NEVER_S,
            "spool": "off",
        }
        return MonitoringSettings.model_validate(plain | changes)

    return make


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("tsmon")]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_synchronous_program_emits_flushes_and_stops(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    with Monitor(settings()) as one:
        one.emit(Numbered(n=0))
        one.emit([Numbered(n=1), Numbered(n=2)])
        one.flush(WAIT_S)
        assert (one.counts.written, one.last_error) == (3, None)
        assert stored(influxdb, bucket) == [0, 1, 2]
        one.emit(Numbered(n=3))
    assert stored(influxdb, bucket) == [0, 1, 2, 3]
    assert own_threads() == []


def test_it_flushes_every_period_which_may_be_changed(settings: Settings) -> None:
    with Monitor(settings()) as one:
        one.emit(Numbered(n=0))
        one.set_flush_period(0.02)
        assert one.flush_period_s == 0.02
        until(lambda: one.counts.written == 1)
        with pytest.raises(ValueError, match="flushing period"):
            one.set_flush_period(0)


def test_points_from_threads_arrive_once_each(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    each = 1_000
    with Monitor(settings(flushing_period=0.01, batch_lines=300)) as one:

        def work(thread: int) -> None:
            for n in range(thread * each, (thread + 1) * each):
                one.emit(Numbered(n=n))
                if n % 400 == 0:
                    one.flush(WAIT_S)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert one.counts.written == 8 * each
    assert stored(influxdb, bucket) == list(range(8 * each))


def test_errors_come_through_to_the_caller(settings: Settings) -> None:
    with Monitor(settings(url="http://127.0.0.1:1")) as one:
        with pytest.raises(InvalidPointError):
            one.emit(Numbered(n="x"))  # type: ignore[arg-type]
        one.emit(Numbered(n=0))
        with pytest.raises(FlushTimeoutError, match="Connection refused"):
            one.flush(0.2)
        assert one.counts.pending == 1
        one.stop(0.1)
        assert one.counts.dropped_by == {"stopped": 1}


def test_a_start_that_fails_leaves_no_thread(settings: Settings, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="token_file"),
        Monitor(settings(token="", token_file=tmp_path / "nowhere")),
    ):
        pass
    assert own_threads() == []


def test_what_comes_after_the_stop_is_told(settings: Settings) -> None:
    with Monitor(settings()) as one:
        pass
    with pytest.raises(TsmonError, match="does not run"):
        one.flush(1)
    one.emit(Numbered(n=0))
    one.stop()
    assert one.counts.dropped_by == {"stopped": 1}


def test_several_threads_may_stop_it_at_once(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    one = BackgroundMonitor(Monitor(settings()))
    one.start()
    one.start()
    one.emit(Numbered(n=0))
    threads = [threading.Thread(target=one.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert own_threads() == []
    assert stored(influxdb, bucket) == [0]


def test_a_flush_that_a_stop_overtakes_ends(settings: Settings) -> None:
    one = BackgroundMonitor(Monitor(settings(url="http://127.0.0.1:1")))
    one.start()
    one.emit(Numbered(n=0))
    raised: list[BaseException] = []

    def flush() -> None:
        try:
            one.flush()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=flush)
    thread.start()
    until(lambda: one.last_error)
    one.stop(0)
    thread.join(WAIT_S)
    assert isinstance(raised[0], FlushTimeoutError)


def test_a_store_that_waits_for_its_own_monitor_is_told() -> None:
    told: list[str] = []

    class Impatient(OwnStore):
        async def write(self, lines: bytes) -> None:
            try:
                one.flush()
            except TsmonError as error:
                told.append(str(error))
            await super().write(lines)

    one = BackgroundMonitor(Monitor(MonitoringSettings(), store=Impatient()))
    one.start()
    one.emit(Numbered(n=0))
    one.stop()
    assert "cannot wait for itself" in told[0]
    assert one.counts.written == 1


PRELUDE = """
import atexit, os, signal, sys, threading, time
from tsmon import FlushTimeoutError, Monitor, Point
from tsmon.settings import load_settings

class Numbered(Point, measurement="numbered"):
    n: int

monitor = Monitor(load_settings().monitoring)
"""


@pytest.fixture
def run(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program to its end; its warnings are errors, its store the test's bucket."""

    def run(program: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "TSMON_MONITORING__URL": influxdb.url.replace("127.0.0.1", "localhost"),
            "TSMON_MONITORING__ORGANIZATION": influxdb.org,
            "TSMON_MONITORING__BUCKET": bucket,
            "TSMON_MONITORING__TOKEN": influxdb.token,
            "TSMON_MONITORING__FLUSHING_PERIOD": str(NEVER_S),
            "TSMON_MONITORING__SPOOL": "off",
            **changes,
        }
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", PRELUDE + program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def quiet(done: "subprocess.CompletedProcess[str]") -> "subprocess.CompletedProcess[str]":
    assert not done.stderr
    return done


def test_points_are_delivered_when_the_program_ends_without_a_stop(
    run: Run, influxdb: InfluxDB, bucket: str
) -> None:
    done = run(
        """
emitted = threading.Event()

def work():
    with monitor as one:
        one.emit(Numbered(n=0))
        emitted.set()
        time.sleep(1_000)

threading.Thread(target=work, daemon=True).start()
emitted.wait()
"""
    )
    assert quiet(done).returncode == 0
    assert stored(influxdb, bucket) == [0]


def test_an_exception_passes_through_and_the_points_are_delivered(
    run: Run, influxdb: InfluxDB, bucket: str
) -> None:
    done = run("with monitor as one:\n    one.emit(Numbered(n=0))\n    sys.exit(7)\n")
    assert quiet(done).returncode == 7
    assert stored(influxdb, bucket) == [0]


def test_an_interrupt_ends_a_waiting_flush(run: Run) -> None:
    done = run(
        """
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it
with monitor as one:
    one.emit(Numbered(n=0))
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        one.flush()
    except KeyboardInterrupt:
        print("interrupted")
    one.stop(0.1)
print(one.counts.dropped_by)
""",
        TSMON_MONITORING__URL="http://127.0.0.1:1",
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n{'stopped': 1}\n"), done.stderr


def test_the_exit_does_not_wait_for_a_server_that_is_away(run: Run) -> None:
    started = time.monotonic()
    done = run("one = monitor.__enter__()\none.emit(Numbered(n=0))\n", TSMON_MONITORING__URL="http://127.0.0.1:1")
    assert done.returncode == 0
    assert time.monotonic() - started < WAIT_S
    assert "1 points were not written before the stop and are lost: InfluxDB at" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)"])
def test_a_forked_child_neither_hangs_nor_sends_its_parents_points_again(
    run: Run, influxdb: InfluxDB, bucket: str, end: str
) -> None:
    done = run(
        f"""
with monitor as one:
    one.emit(Numbered(n=0))
    child = os.fork()
    if child == 0:
        {end}
    assert os.waitpid(child, 0)[1] == 0
    assert one.counts.pending == 1
"""
    )
    assert done.returncode == 0, done.stderr
    assert stored(influxdb, bucket) == [0]


def test_emitting_in_a_signal_handler_of_a_synchronous_program_is_safe(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    if not hasattr(signal, "setitimer"):
        pytest.skip("needs POSIX timers")
    numbers = itertools.count()
    handled = 0
    with Monitor(settings(flushing_period=0.005)) as one:

        def handle(*_: object) -> None:
            nonlocal handled
            handled += 1
            one.emit(Numbered(n=next(numbers)))

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            while handled < 100:
                one.flush(WAIT_S)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert stored(influxdb, bucket) == list(range(next(numbers)))
