"""A Monitor that is started again after a stop, and one whose event loop ends."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import Numbered, stored
from tsmon import Monitor, StoreError
from tsmon.delivery.accounting import Counts
from tsmon.monitor.background import BackgroundMonitor
from tsmon.monitor.lifecycle import Phase
from tsmon.settings import MonitoringSettings
from tsmon.stores.factory import store_from
from tsmon.stores.memory import MemoryStore
from tsmon.stores.sqlite import SqliteStore

WAIT_S = 20.0
NEVER_S = 1e6

CONTINUES = "the Monitor continues in a thread of its own"


def checked(monitor: Monitor | BackgroundMonitor) -> Counts:
    found = monitor.counts
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped
    return found


def plain(**changes: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate({"flushing_period": NEVER_S, "spool": "off"} | changes)


@pytest.fixture(params=["influxdb", "influxdb with spool", "sqlite", "memory", "own"])
def monitor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Monitor]:
    """A Monitor of each kind of store."""
    kind = request.param
    if kind.startswith("influxdb"):
        influxdb: InfluxDB = request.getfixturevalue("influxdb")
        bucket = request.getfixturevalue("bucket")
        spool = {"spool": "required", "spool_directory": tmp_path} if "spool" in kind else {}
        token = {"organization": influxdb.org, "token": influxdb.token}
        one = Monitor(plain(url=influxdb.url, bucket=bucket, **token, **spool))
    elif kind == "sqlite":
        one = Monitor(plain(store="sqlite", file=tmp_path / "metrics.db"))
    else:
        one = Monitor(plain(), store=MemoryStore() if kind == "memory" else OwnStore())
    yield one
    one.at_exit()


async def test_after_a_stop_points_are_taken_from_the_moment_of_a_start_that_nobody_waits_for(
    monitor: Monitor,
) -> None:
    async with monitor:
        monitor.emit(Numbered(n=1))
    monitor.start_soon()
    monitor.emit(Numbered(n=2))
    await monitor.stop()
    assert (checked(monitor).written, checked(monitor).dropped) == (2, 0)


async def test_it_starts_again_after_each_stop_and_the_counts_continue(monitor: Monitor) -> None:
    for turn in range(1, 4):
        await monitor.start()
        monitor.emit(Numbered(n=turn))
        await monitor.flush(WAIT_S)
        monitor.emit(Numbered(n=10 + turn))
        await monitor.stop()
        assert checked(monitor).written == 2 * turn
        monitor.emit(Numbered(n=100))
        assert checked(monitor).dropped_by == {"stopped": turn}
    assert monitor.sequence == 6


def test_it_runs_under_one_asyncio_run_after_the_other(monitor: Monitor) -> None:
    async def main(number: int) -> None:
        async with monitor:
            monitor.emit(Numbered(n=number))

    for number in range(3):
        asyncio.run(main(number))
        assert checked(monitor).written == number + 1


def test_it_continues_under_the_next_asyncio_run_though_it_was_never_stopped(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(number: int) -> None:
        await monitor.start()
        monitor.emit(Numbered(n=number))
        await monitor.flush(WAIT_S)
        monitor.emit(Numbered(n=10 + number))

    for number in range(3):
        asyncio.run(main(number))
        monitor.emit(Numbered(n=20 + number))
    assert caplog.text.count(CONTINUES) == 1

    async def end() -> None:
        await monitor.flush(WAIT_S)
        assert checked(monitor).written == 9
        await monitor.stop()

    asyncio.run(end())
    eventually(lambda: not own_threads())


def test_it_continues_after_a_loop_that_was_only_closed(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(monitor.start())
    monitor.emit(Numbered(n=1))
    loop.close()
    assert CONTINUES in caplog.text
    monitor.emit(Numbered(n=2))
    background = monitor.start_in_background()
    background.flush(WAIT_S)
    assert checked(monitor).written == 2
    background.stop()
    eventually(lambda: not own_threads())


def test_it_moves_from_an_idle_loop_to_the_one_that_runs(monitor: Monitor) -> None:
    idle = asyncio.new_event_loop()
    idle.run_until_complete(monitor.start())
    monitor.emit(Numbered(n=1))

    async def main() -> None:
        await monitor.start()
        await monitor.flush(WAIT_S)
        assert checked(monitor).written == 1
        monitor.emit(Numbered(n=2))

    asyncio.run(main())
    idle.run_until_complete(asyncio.sleep(0))
    idle.run_until_complete(monitor.stop())
    assert checked(monitor).written == 2
    idle.close()
    eventually(lambda: not own_threads())


@pytest.mark.parametrize("closes_only", [False, True])
def test_a_loop_that_ends_while_a_flush_is_under_way_loses_nothing(closes_only: bool, tmp_path: Path) -> None:
    class Slow(OwnStore):
        async def write(self, lines: bytes) -> None:
            if asyncio.get_running_loop() is loop:
                self.writing.set()
                await asyncio.sleep(NEVER_S)
            await super().write(lines)

    store = Slow()
    monitor = Monitor(plain(), store=store)

    async def main() -> None:
        await monitor.start()
        monitor.emit(Numbered(n=1))
        flush = asyncio.create_task(monitor.flush())
        await store.writing.wait()
        assert not flush.done()

    if closes_only:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
    else:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            runner.run(main())
    monitor.emit(Numbered(n=2))
    monitor.start_in_background().flush(WAIT_S)
    assert checked(monitor).written == 2
    monitor.start_in_background().stop()


def test_a_stop_on_another_loop_stops_it_where_it_runs() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)

    async def main() -> None:
        async with monitor:
            monitor.emit(Numbered(n=1))
            await asyncio.to_thread(asyncio.run, monitor.stop())
            assert (checked(monitor).written, store.closed) == (1, True)

    asyncio.run(main())


def test_the_blocking_face_starts_again(monitor: Monitor) -> None:
    background = monitor.start_in_background()
    assert monitor.start_in_background() is background
    for turn in range(1, 4):
        background.emit(Numbered(n=turn))
        background.stop()
        assert checked(background).written == turn
        eventually(lambda: not own_threads())
        background.emit(Numbered(n=100))
        if turn % 2:
            background.start()
        else:
            assert monitor.start_in_background() is background
    with monitor as again:
        again.emit(Numbered(n=5))
    assert checked(monitor).written == 4


def test_a_start_that_failed_after_a_stop_accepts_points(tmp_path: Path) -> None:
    class Failing(OwnStore):
        fails = False

        async def open(self) -> None:
            if self.fails:
                raise StoreError("no such disk")

    store = Failing()
    monitor = Monitor(plain(), store=store)

    async def main() -> None:
        async with monitor:
            pass
        store.fails = True
        with pytest.raises(StoreError, match="no such disk"):
            await monitor.start()
        assert monitor.last_error == "no such disk"
        monitor.emit(Numbered(n=1))
        store.fails = False
        async with monitor:
            await monitor.flush(WAIT_S)
        assert (checked(monitor).written, monitor.last_error) == (1, None)

    asyncio.run(main())


async def test_what_the_spool_kept_at_a_stop_is_sent_after_the_next_start(
    influxdb: InfluxDB, bucket: str, tmp_path: Path
) -> None:
    spool: dict[str, Any] = {"spool": "on", "spool_directory": tmp_path}
    away = plain(url="http://127.0.0.1:1", bucket=bucket, **spool)
    here = plain(url=influxdb.url, organization=influxdb.org, token=influxdb.token, bucket=bucket, **spool)
    monitor = Monitor(away)
    async with monitor:
        monitor.emit(Numbered(n=n) for n in range(10))
        await monitor.stop(0.1)
    assert (checked(monitor).pending, checked(monitor).recovered) == (10, 0)
    async with monitor:
        monitor.emit(Numbered(n=10))
        assert (checked(monitor).pending, checked(monitor).recovered) == (11, 0)
        await monitor.reconfigure(here, lambda: store_from(here))
        await monitor.flush(WAIT_S)
        assert (checked(monitor).written, checked(monitor).pending) == (11, 0)
    assert stored(influxdb, bucket) == list(range(11))


async def test_what_another_process_took_from_the_spool_does_not_hold_up_a_flush(
    influxdb: InfluxDB, bucket: str, tmp_path: Path
) -> None:
    settings = plain(
        url=influxdb.url,
        organization=influxdb.org,
        token=influxdb.token,
        bucket=bucket,
        spool="on",
        spool_directory=tmp_path,
    )
    monitor = Monitor(settings)
    async with monitor:
        monitor.emit(Numbered(n=1))
        await monitor.stop(0)
    kept = checked(monitor).pending
    async with Monitor(settings) as other:
        await other.flush(WAIT_S)
        assert checked(other).recovered == kept
    async with monitor:
        monitor.emit(Numbered(n=2))
        await monitor.flush(WAIT_S)
        assert checked(monitor).pending == kept
    assert stored(influxdb, bucket) == [1, 2]


def test_threads_that_start_and_stop_it_at_once_end(tmp_path: Path) -> None:
    monitor = Monitor(plain(), store=OwnStore())
    turns = 30

    async def turn() -> None:
        await monitor.start()
        monitor.emit(Numbered(n=1))
        await monitor.stop()

    def work() -> None:
        for _ in range(turns):
            asyncio.run(turn())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    asyncio.run(monitor.stop())
    found = checked(monitor)
    assert (found.accepted, found.pending) == (4 * turns, 0)
    assert monitor._lifecycle.phase is Phase.STOPPED
    eventually(lambda: not own_threads())


PROGRAMS = {
    "a loop that ended": "asyncio.run(main())\nmonitor.emit(Numbered(n=1))",
    "several loops": "asyncio.run(main())\nasyncio.run(main(1))",
    "a closed loop": "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\nloop.close()\n"
    "monitor.emit(Numbered(n=1))",
    "an idle loop": "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\nmonitor.emit(Numbered(n=1))",
    "a loop in a daemon thread": "loop = asyncio.new_event_loop()\n"
    "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
    "asyncio.run_coroutine_threadsafe(main(), loop).result()\nmonitor.emit(Numbered(n=1))",
    "an exit inside": "async def ends():\n    await main()\n    monitor.emit(Numbered(n=1))\n    sys.exit(3)\n"
    "asyncio.run(ends())",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_that_never_stops_it_writes_everything_at_its_end(
    program: str, influxdb: InfluxDB, bucket: str, tmp_path: Path
) -> None:
    text = f"""
import asyncio, sys, threading
from tests.services.points import Numbered
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

monitor = Monitor(MonitoringSettings(
    url={influxdb.url!r}, organization={influxdb.org!r}, bucket={bucket!r}, token={influxdb.token!r},
    flushing_period=1e6, spool="off",
))

async def main(number=0):
    await monitor.start()
    monitor.emit(Numbered(n=number))

{program}
"""
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "lost" not in done.stderr
    assert stored(influxdb, bucket) == [0, 1], done.stderr


def test_one_that_is_switched_off_starts_no_thread_when_its_loop_ends(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(MonitoringSettings(enabled=False))
    for _ in range(2):
        asyncio.run(monitor.start())
    assert (own_threads(), caplog.text) == ([], "")


def test_a_thread_that_cannot_continue_says_so_and_tries_again(caplog: pytest.LogCaptureFixture) -> None:
    class Fickle(OwnStore):
        opened = 0

        async def open(self) -> None:
            self.opened += 1
            if self.opened == 2:
                raise StoreError("no such disk")

    store = Fickle()
    monitor = Monitor(plain(), store=store)
    caplog.set_level(logging.INFO)
    asyncio.run(monitor.start())
    monitor.emit(Numbered(n=1))
    eventually(lambda: "has started after 1 failed tries" in caplog.text)
    assert "points wait in memory, and it is tried again: no such disk" in caplog.text
    asyncio.run(monitor.stop())
    assert checked(monitor).written == 1


def test_the_embedded_file_is_free_for_others_after_each_stop(tmp_path: Path) -> None:
    file = tmp_path / "metrics.db"
    monitor = Monitor(plain(store="sqlite", file=file))

    async def main() -> None:
        for _ in range(2):
            async with monitor:
                monitor.emit(Numbered(n=1))
            async with SqliteStore(file):
                pass

    asyncio.run(main())


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tsmon")]


def eventually(condition: Callable[[], object]) -> None:
    from tests.tsmon.monitor.test_background import until

    until(condition)


def test_after_a_stop_that_was_interrupted_as_it_began_a_start_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    async def run() -> None:
        async with asyncio.timeout(WAIT_S):
            await one.start()
            one.emit(Numbered(n=2))
            await one.stop()

    one = Monitor(plain(), store=MemoryStore())
    one.emit(Numbered(n=1))
    with asyncio.Runner() as runner, monkeypatch.context() as patched:
        runner.run(one.start())
        patched.setattr(one._pipeline, "begin_stop", interrupt)
        with pytest.raises(KeyboardInterrupt):
            runner.run(one.stop())
    asyncio.run(run())
    assert checked(one).written == 2


IMPORTING = """
import asyncio, json, sys, time
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

async def run():
    longest = 0.0
    async def watch():
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.thread_time() - began)
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    async with Monitor(MonitoringSettings(**json.loads(sys.argv[1]))):
        pass
    await asyncio.sleep(0.01)
    watching.cancel()
    print(longest)

asyncio.run(run())
"""


def test_what_a_start_imports_does_not_keep_the_event_loop(influxdb: InfluxDB, bucket: str) -> None:
    options = {"url": influxdb.url, "bucket": bucket, "organization": influxdb.org, "token": influxdb.token}
    command = [sys.executable, "-c", IMPORTING, json.dumps(options | {"spool": "off"})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert float(done.stdout) < 0.1  # seconds of CPU
