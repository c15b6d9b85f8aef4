"""Monitor over a real InfluxDB, from the loop and from threads; its stop under every circumstance."""

import asyncio
import gc
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB, running
from tests.services.own_store import OwnStore
from tests.services.points import Numbered, stored
from tests.services.proxy import Fault, Proxy, proxy_to
from tsmon import (
    FlushTimeoutError,
    InvalidPointError,
    Monitor,
    Point,
    ServicePoint,
    SettingsError,
    Tag,
    TsmonError,
    clock,
)
from tsmon.delivery.accounting import Counts
from tsmon.delivery.backoff import Backoff
from tsmon.line_protocol import parse
from tsmon.monitor import pipeline
from tsmon.scheduling import periodic
from tsmon.settings import MonitoringSettings

WAIT_S = 20.0
PAUSE_S = float(os.environ.get("TSMON_TEST_PAUSE_S", "1"))
NEVER_S = 1e6
"""A flushing period after which no test looks any more."""


class Served(ServicePoint, measurement="served"):
    v: int


Settings = Callable[..., MonitoringSettings]


@pytest.fixture
def settings(influxdb: InfluxDB, bucket: str) -> Settings:
    """Settings for the run's server, in a bucket of the test's own, without a spool."""

    def make(**changes: Any) -> MonitoringSettings:
        plain = {
            "url": influxdb.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token": influxdb.token,
            "spool": "off",
        }
        return MonitoringSettings.model_validate(plain | changes)

    return make


@pytest.fixture
async def proxy(influxdb: InfluxDB) -> AsyncIterator[Proxy]:
    async with proxy_to(influxdb.port) as opened:
        yield opened


def own(**changes: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate({"flushing_period": NEVER_S, "spool": "off"} | changes)


def checked(counts: Counts) -> Counts:
    assert counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped
    return counts


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def hasten(one: Monitor) -> None:
    """Try again soon after a failure, so that tests need not wait."""
    one._pipeline._delivery._backoff = Backoff(0.01, 0.05)


async def test_points_are_stored_as_they_were_emitted(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    async with Monitor(settings(), service="catalogue") as one:
        one.emit(Served(v=1, time=1_700_000_000_000_000_123, tags={"host": "a"}, fields={"extra": 0.5}))
        await one.flush(WAIT_S)
        assert checked(one.counts).written == 1
    query = f'from(bucket: "{bucket}") |> range(start: 0) |> map(fn: (r) => ({{r with ns: int(v: r._time)}}))'
    rows = {(r["_field"], r["_value"], r["service"], r["host"], r["ns"]) for r in influxdb.flux(query)}
    tags = ("catalogue", "a", 1_700_000_000_000_000_123)
    assert rows == {("v", 1, *tags), ("extra", 0.5, *tags)}


async def test_one_several_and_any_iterable_of_points_may_be_emitted(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    async with Monitor(settings()) as one:
        one.emit(Numbered(n=0))
        one.emit([Numbered(n=1), Numbered(n=2)])
        one.emit(Numbered(n=n) for n in range(3, 2_000))
        one.emit([])
        one.emit((Numbered(n=2_000),))
        assert checked(one.counts).accepted == 2_001
        await one.flush(WAIT_S)
    assert stored(influxdb, bucket) == list(range(2_001))


async def test_points_emitted_before_the_start_are_sent_after_it(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    one = Monitor(settings(flushing_period=NEVER_S))
    one.emit(Numbered(n=n) for n in range(700))
    assert checked(one.counts).pending == 700
    async with one:
        await until(lambda: one.counts.written == 700)
    assert stored(influxdb, bucket) == list(range(700))


async def test_it_flushes_every_period_which_may_be_changed(settings: Settings) -> None:
    async with Monitor(settings(flushing_period=NEVER_S)) as one:
        one.emit(Numbered(n=0))
        one.set_flush_period(0.02)
        assert one.flush_period_s == 0.02
        await until(lambda: one.counts.written == 1)
        one.emit(Numbered(n=1))
        await until(lambda: one.counts.written == 2)
        await asyncio.to_thread(one.set_flush_period, NEVER_S)
        await asyncio.to_thread(one.set_flush_period, 0.02)
        one.emit(Numbered(n=2))
        await until(lambda: one.counts.written == 3)


@pytest.mark.parametrize("seconds", [0, -1, 1e-9, float("nan")])
async def test_an_impossible_period_is_refused(seconds: float) -> None:
    async with Monitor(own(), store=OwnStore()) as one:
        with pytest.raises(ValueError, match="flushing period"):
            one.set_flush_period(seconds)
        assert one.flush_period_s == NEVER_S


@pytest.mark.parametrize("seconds", [1e9, 1e15, float("inf")])
async def test_a_period_without_end_leaves_flush_and_stop_alone(seconds: float) -> None:
    store = OwnStore()
    async with Monitor(own(flushing_period=seconds), store=store) as one:
        one.set_flush_period(seconds)
        one.emit(Numbered(n=0))
        await one.flush(WAIT_S)
        one.emit(Numbered(n=1))
    assert len(store.lines) == 2
    assert store.closed


@pytest.mark.parametrize("limit", [{"batch_lines": 50}, {"batch_bytes": 2_000}])
async def test_a_full_batch_is_sent_before_the_period_is_over(limit: dict[str, int]) -> None:
    store = OwnStore()
    async with Monitor(own(**limit), store=store) as one:
        for n in range(600):
            one.emit(Numbered(n=n))
        await until(lambda: one.counts.written >= 450)
        assert max(batch.count(b"\n") + 1 for batch in store.batches) <= 50
        assert max(map(len, store.batches)) <= 2_000


async def test_a_full_batch_from_another_thread_wakes_the_loop(settings: Settings) -> None:
    async with Monitor(settings(flushing_period=NEVER_S, batch_lines=100)) as one:

        def work() -> None:
            for n in range(500):
                one.emit(Numbered(n=n))

        await asyncio.to_thread(work)
        await until(lambda: one.counts.written == 500)


async def test_flushing_goes_on_after_the_loop_was_blocked() -> None:
    async with Monitor(own(flushing_period=0.02), store=OwnStore()) as one:
        one.emit(Numbered(n=0))
        time.sleep(0.2)
        await until(lambda: one.counts.written == 1)
        one.emit(Numbered(n=1))
        await until(lambda: one.counts.written == 2)


async def test_a_flush_that_comes_late_is_made_all_the_same() -> None:
    async with Monitor(own(), store=OwnStore()) as one:
        scheduler = one._pipeline._schedule._scheduler
        assert scheduler is not None
        one.emit(Numbered(n=0))
        scheduler.modify_job(periodic.JOB, next_run_time=datetime.now(UTC) - timedelta(minutes=1))
        await until(lambda: one.counts.written == 1)


async def test_flushing_goes_on_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "WATCH_S", 0.02)
    async with Monitor(own(flushing_period=0.05), store=OwnStore()) as one:
        scheduler = one._pipeline._schedule._scheduler
        assert scheduler is not None
        scheduler.modify_job(periodic.JOB, next_run_time=datetime.now(UTC) + timedelta(hours=1))
        one.emit(Numbered(n=0))
        await until(lambda: one.counts.written == 1)


async def test_flushing_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Monitor(own(flushing_period=0.01), store=OwnStore()) as one:
        for n in range(3):
            one.emit(Numbered(n=n))
            await until(lambda: not one.counts.pending)
    assert not [record for record in caplog.records if record.name.startswith("apscheduler")]


async def test_points_from_threads_arrive_once_each(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    each = 1_500
    async with Monitor(settings(flushing_period=0.01, batch_lines=700)) as one:

        def work(thread: int) -> None:
            for n in range(thread * each, (thread + 1) * each):
                one.emit(Numbered(n=n) if n % 3 else [Numbered(n=n)])

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            checked(one.counts)
            await asyncio.sleep(0)
        await one.flush(WAIT_S)
        assert checked(one.counts).written == 8 * each
    assert stored(influxdb, bucket) == list(range(8 * each))


@pytest.mark.parametrize("wrong", [5, None, "text", object, [Numbered(n=1), 5]])
async def test_what_is_no_point_is_refused_where_it_is_emitted(wrong: Any) -> None:
    async with Monitor(own(), store=OwnStore()) as one:
        with pytest.raises(InvalidPointError):
            one.emit(wrong)
        assert (one.counts.accepted, one.counts.refused) == (0, len(wrong) if type(wrong) is list else 1)


async def test_of_several_points_with_a_bad_one_none_is_taken() -> None:
    async with Monitor(own(), store=OwnStore()) as one:
        with pytest.raises(InvalidPointError, match=r"Numbered\.n"):
            one.emit([Numbered(n=1), Numbered(n="x"), Numbered(n=3)])  # type: ignore[arg-type]
        assert (one.counts.accepted, one.counts.refused) == (0, 3)


async def test_refused_points_are_only_counted_where_the_settings_say_so() -> None:
    store = OwnStore()
    async with Monitor(own(on_invalid="drop"), store=store) as one:
        one.emit([Numbered(n=1), Numbered(n="x"), Numbered(n=3)])  # type: ignore[arg-type]
        one.emit(Numbered(n=None))  # type: ignore[arg-type]
        one.emit(5)  # type: ignore[arg-type]
        one.emit(Served(v=1))
        assert (checked(one.counts).accepted, one.counts.refused) == (2, 4)
    assert [point.fields["n"] for point in parse("\n".join(store.lines))] == [1, 3]


async def test_values_that_are_not_finite_are_counted() -> None:
    class Measured(Point, measurement="measured"):
        a: float
        b: float

    store = OwnStore()
    async with Monitor(own(), store=store) as one:
        one.emit(Measured(a=1.0, b=float("nan")))
        assert (checked(one.counts).accepted, one.counts.nonfinite_fields) == (1, 1)


async def test_default_tags_and_tags_as_fields_come_from_the_settings() -> None:
    class Task(Point, measurement="tasks"):
        task_id: Tag[int]
        v: int

    store = OwnStore()
    async with Monitor(own(tags={"zone": "west"}, tags_as_fields="task_id"), store=store) as one:
        one.emit(Task(task_id=7, v=1, time=5))
    assert store.lines == ["tasks,zone=west task_id=7i,v=1i 5"]


async def test_a_flush_returns_when_the_store_has_acknowledged(
    settings: Settings, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    async with Monitor(settings(url=proxy.url, flushing_period=NEVER_S)) as one:
        for n in range(3):
            one.emit(Numbered(n=n))
            await one.flush(WAIT_S)
            assert stored(influxdb, bucket) == list(range(n + 1))


async def test_a_flush_of_nothing_returns_at_once(settings: Settings) -> None:
    async with Monitor(settings(url="http://127.0.0.1:1")) as one:
        await one.flush(0)
        await one.flush()


async def test_a_flush_that_takes_too_long_raises_and_the_points_stay_pending(
    settings: Settings, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda _: Fault(503, "full")
    async with Monitor(settings(url=proxy.url)) as one:
        hasten(one)
        one.emit(Numbered(n=n) for n in range(3))
        with pytest.raises(
            FlushTimeoutError, match=r"^3 points are not acknowledged after 0\.3 s: .*\(503\): full"
        ):
            await one.flush(0.3)
        assert checked(one.counts).pending == 3
        assert "503" in str(one.last_error)
        proxy.rule = lambda _: None
        await one.flush(WAIT_S)
        assert (checked(one.counts).written, one.last_error) == (3, None)
    assert stored(influxdb, bucket) == [0, 1, 2]


async def test_a_flush_that_is_cancelled_loses_nothing(
    settings: Settings, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.faults.append(Fault())
    async with Monitor(settings(url=proxy.url, timeout=0.3)) as one:
        hasten(one)
        one.emit(Numbered(n=0))
        flushing = asyncio.create_task(one.flush())
        await proxy.arrived(1)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        await one.flush(WAIT_S)
    assert stored(influxdb, bucket) == [0]


@pytest.mark.parametrize("spool", ["off", "on", "required"])
async def test_a_flush_returns_though_more_points_keep_coming(
    settings: Settings, tmp_path: Path, influxdb: InfluxDB, bucket: str, spool: str
) -> None:
    numbers = itertools.count()
    async with Monitor(settings(spool=spool, spool_directory=tmp_path, flushing_period=0.01)) as one:
        stopped = asyncio.Event()

        async def emit() -> None:
            while not stopped.is_set():
                one.emit(Numbered(n=next(numbers)))
                await asyncio.sleep(0)

        emitting = asyncio.create_task(emit())
        for _ in range(5):
            await one.flush(WAIT_S)
            checked(one.counts)
        stopped.set()
        await emitting
    assert checked(one.counts).written == one.counts.accepted
    assert stored(influxdb, bucket) == list(range(next(numbers)))


async def test_several_flushes_at_once_all_return(settings: Settings) -> None:
    async with Monitor(settings()) as one:
        one.emit(Numbered(n=n) for n in range(100))
        await asyncio.gather(*(one.flush(WAIT_S) for _ in range(20)))
        assert one.counts.written == 100


async def test_misuse_is_told_in_a_sentence() -> None:
    one = Monitor(own(), store=OwnStore())
    with pytest.raises(TsmonError, match="not started"):
        await one.flush(1)
    async with one:
        await one.start()
        with pytest.raises(TsmonError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(one.flush(1)))
    with pytest.raises(TsmonError, match="this Monitor is stopped; start it again first"):
        await one.flush(1)


async def test_a_start_that_fails_may_be_repeated(settings: Settings, tmp_path: Path, influxdb: InfluxDB) -> None:
    secret = tmp_path / "token"
    one = Monitor(settings(token="", token_file=secret))
    one.emit(Numbered(n=0))
    with pytest.raises(SettingsError, match=f"token_file {secret}"):
        await one.start()
    secret.write_text(f" {influxdb.token}\n")
    async with one:
        await one.flush(WAIT_S)
        assert one.counts.written == 1


async def test_the_stop_flushes_and_later_points_are_dropped_and_counted(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    one = Monitor(settings(flushing_period=NEVER_S))
    await one.start()
    one.emit(Numbered(n=n) for n in range(5))
    await one.stop()
    one.emit(Numbered(n=5))
    one.emit([Numbered(n=6), Numbered(n=7)])
    await one.stop()
    found = checked(one.counts)
    assert (found.accepted, found.written, found.pending, found.dropped_by) == (8, 5, 0, {"stopped": 3})
    assert stored(influxdb, bucket) == list(range(5))


async def test_the_stop_ends_in_time_though_the_server_never_answers(
    settings: Settings, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.rule = lambda _: Fault()
    one = Monitor(settings(url=proxy.url, flushing_period=NEVER_S))
    await one.start()
    one.emit(Numbered(n=n) for n in range(5))
    stopping = asyncio.create_task(one.stop(0.2))
    await proxy.arrived(1)
    one.emit(Numbered(n=5))
    async with asyncio.timeout(WAIT_S):
        await stopping
    found = checked(one.counts)
    assert (found.accepted, found.pending, found.dropped_by) == (6, 0, {"stopped": 6})
    assert "5 points were not written before the stop and are lost" in caplog.text


async def test_the_stop_ends_in_time_though_nobody_listens(settings: Settings) -> None:
    one = Monitor(settings(url="http://127.0.0.1:1"))
    await one.start()
    one.emit(Numbered(n=0))
    async with asyncio.timeout(WAIT_S):
        await one.stop(0.2)
    assert checked(one.counts).dropped_by == {"stopped": 1}


async def test_points_emitted_during_the_stop_do_not_cut_its_flush_short() -> None:
    store = OwnStore()
    store.gate.clear()
    one = Monitor(own(), store=store)
    await one.start()
    one.emit(Numbered(n=n) for n in range(5))
    stopping = asyncio.create_task(one.stop())
    await store.writing.wait()
    one.emit(Numbered(n=n) for n in range(5, 100))
    await asyncio.sleep(0)
    assert not stopping.done()
    store.gate.set()
    await stopping
    found = checked(one.counts)
    assert (found.written, found.dropped_by) == (5, {"stopped": 95})


async def test_a_last_point_is_tried_even_where_the_store_asked_for_more_time_than_the_stop_has(
    settings: Settings, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.faults.append(Fault(429, headers={"Retry-After": "3000"}))
    async with Monitor(settings(url=proxy.url)) as one:
        one.emit(Numbered(n=0))
        with pytest.raises(FlushTimeoutError):
            await one.flush(0.1)
    assert stored(influxdb, bucket) == [0]


async def test_a_stop_that_is_cancelled_cleans_up_all_the_same() -> None:
    store = OwnStore()
    store.gate.clear()
    one = Monitor(own(), store=store)
    await one.start()
    one.emit(Numbered(n=0))
    stopping = asyncio.create_task(one.stop())
    await store.writing.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert (checked(one.counts).dropped_by, store.closed) == ({"stopped": 1}, True)


async def test_a_second_stop_waits_for_the_first() -> None:
    store = OwnStore()
    store.gate.clear()
    one = Monitor(own(), store=store)
    await one.start()
    one.emit(Numbered(n=0))
    stops = [asyncio.create_task(one.stop()) for _ in range(3)]
    await store.writing.wait()
    assert not any(stop.done() for stop in stops)
    store.gate.set()
    await asyncio.gather(*stops)
    assert one.counts.written == 1


async def test_a_flush_that_the_stop_overtakes_does_not_claim_success() -> None:
    store = OwnStore()
    store.gate.clear()
    one = Monitor(own(), store=store)
    await one.start()
    one.emit(Numbered(n=0))
    flushing = asyncio.create_task(one.flush())
    await store.writing.wait()
    await one.stop(0)
    with pytest.raises(FlushTimeoutError, match="stopped"):
        await flushing


async def test_a_store_that_cannot_be_closed_does_not_hold_up_the_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "CLOSE_TIMEOUT_S", 0.01)

    class Stuck(OwnStore):
        async def close(self) -> None:
            await asyncio.Event().wait()

    class Failing(OwnStore):
        async def close(self) -> None:
            raise OSError("own bug")

    for store in (Stuck(), Failing()):
        async with asyncio.timeout(WAIT_S), Monitor(own(), store=store):
            pass
    assert "could not be closed: it took too long" in caplog.text
    assert "could not be closed: own bug" in caplog.text


async def test_stopping_while_threads_emit_loses_count_of_no_point() -> None:
    for _ in range(10):
        one = Monitor(own(batch_lines=20), store=OwnStore())
        await one.start()
        begun = threading.Semaphore(0)
        emitted = itertools.count()
        end = threading.Event()

        def work(one: Monitor, begun: threading.Semaphore, emitted: Iterator[int], end: threading.Event) -> None:
            while not end.is_set():
                one.emit(Numbered(n=next(emitted)))
                if next(emitted) > 100:
                    begun.release()

        threads = [threading.Thread(target=work, args=(one, begun, emitted, end)) for _ in range(3)]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(begun.acquire)
        await one.stop()
        end.set()
        for thread in threads:
            thread.join()
        found = checked(one.counts)
        assert found.pending == 0
        assert found.accepted == next(emitted) // 2


async def test_a_stop_without_a_start_gives_up_what_was_emitted(caplog: pytest.LogCaptureFixture) -> None:
    one = Monitor(own(), store=OwnStore())
    one.emit(Numbered(n=0))
    await one.stop()
    assert checked(one.counts).dropped_by == {"stopped": 1}
    assert "1 points were not written" in caplog.text


async def test_a_token_that_is_replaced_costs_nothing(
    settings: Settings, influxdb: InfluxDB, bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    old = influxdb.new_token(bucket, "write")
    file.write_text(old)
    async with Monitor(settings(token="", token_file=file)) as one:
        hasten(one)
        one.emit(Numbered(n=0))
        await one.flush(WAIT_S)
        influxdb.revoke(old)
        one.emit(Numbered(n=1))
        with pytest.raises(FlushTimeoutError, match="401"):
            await one.flush(0.2)
        assert checked(one.counts).pending == 1
        file.write_text(influxdb.new_token(bucket, "write"))
        await one.flush(WAIT_S)
        assert checked(one.counts).written == 2
    assert stored(influxdb, bucket) == [0, 1]


async def test_points_of_a_clock_that_is_set_back_are_all_stored(
    settings: Settings, influxdb: InfluxDB, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ns = time.time_ns() - 60_000_000_000
    passing = [start_ns + 1_000_000_000 * n for n in range(20)]
    readings = iter([*passing, *passing, *passing])
    monkeypatch.setattr(clock, "time", SimpleNamespace(time_ns=lambda: next(readings)))
    async with Monitor(settings(flushing_period=NEVER_S)) as one:
        for n in range(60):
            one.emit(Numbered(n=n))
        await one.flush(WAIT_S)
        assert checked(one.counts).written == 60
    assert stored(influxdb, bucket) == list(range(60))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
async def test_emitting_is_safe_in_signal_handlers(settings: Settings, influxdb: InfluxDB, bucket: str) -> None:
    numbers = itertools.count()
    handled = 0
    async with Monitor(settings(flushing_period=0.005, batch_lines=50)) as one:

        def handle(*_: object) -> None:
            nonlocal handled
            handled += 1
            one.emit(Numbered(n=next(numbers)))

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            while handled < 100:
                one.emit(Numbered(n=next(numbers)))
                checked(one.counts)
                await asyncio.sleep(0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        await one.flush(WAIT_S)
    assert stored(influxdb, bucket) == list(range(next(numbers)))


async def test_emitting_is_safe_in_finalizers() -> None:
    store = OwnStore()
    async with Monitor(own(flushing_period=0.005, batch_lines=20), store=store) as one:

        class Cycle:
            def __init__(self, n: int) -> None:
                self.me = self
                self.n = n

            def __del__(self) -> None:
                one.emit(Numbered(n=self.n))

        thresholds = gc.get_threshold()
        gc.set_threshold(3)
        try:
            for n in range(2_000):
                Cycle(2 * n)
                one.emit(Numbered(n=2 * n + 1))
                if n % 100 == 0:
                    await asyncio.sleep(0.001)
        finally:
            gc.set_threshold(*thresholds)
        gc.collect()
        await one.flush(WAIT_S)
        checked(one.counts)
    assert sorted(int(str(p.fields["n"])) for p in parse("\n".join(store.lines))) == list(range(4_000))


async def test_a_full_buffer_drops_the_oldest_and_counts_them(
    settings: Settings, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda _: Fault(503)
    async with Monitor(settings(url=proxy.url, buffer_bytes=50_000)) as one:
        hasten(one)
        for n in range(5_000):
            one.emit(Numbered(n=n))
        found = checked(one.counts)
        assert found.dropped_by.keys() == {"buffer full"}
        assert 500 < found.pending < 2_000
        proxy.rule = lambda _: None
        await one.flush(WAIT_S)
        found = checked(one.counts)
    kept = stored(influxdb, bucket)
    assert len(kept) == found.written == 5_000 - found.dropped
    assert kept[-1] == 4_999


async def test_the_store_and_everything_else_may_be_changed_while_running() -> None:
    first, second = OwnStore(), OwnStore()
    before = own(service="old", url="http://a")
    async with Monitor(before, store=first) as one:
        one.emit(Served(v=1, time=1))
        await one.flush(WAIT_S)
        one.emit(Served(v=2, time=2))
        after = own(service="new", url="http://b", on_invalid="drop", batch_lines=1, flushing_period=5)
        await one.reconfigure(after, lambda: second)
        assert (one.store, first.closed, one.flush_period_s) == (second, True, 5)
        one.emit(Served(v=3, time=3))
        one.emit(Served(v="x"))  # type: ignore[arg-type]
        await one.flush(WAIT_S)
        assert (checked(one.counts).written, one.counts.refused) == (3, 1)
    assert first.lines == ["served,service=old v=1i 1"]
    assert second.batches == [b"served,service=old v=2i 2", b"served,service=new v=3i 3"]


async def test_the_name_given_to_the_monitor_outlives_new_settings() -> None:
    store = OwnStore()
    async with Monitor(own(), service="given", store=store) as one:
        await one.reconfigure(own(service="other"), OwnStore)
        one.emit(Served(v=1, time=1))
    assert store.lines == ["served,service=given v=1i 1"]


async def test_a_mistake_in_new_settings_changes_nothing() -> None:
    class Refusing(OwnStore):
        async def open(self) -> None:
            raise SettingsError("no such file")

    store = OwnStore()
    async with Monitor(own(service="old", url="http://a"), store=store) as one:
        with pytest.raises(SettingsError):
            await one.reconfigure(own(service="new", url="http://b", flushing_period=5), Refusing)
        one.emit(Served(v=1, time=1))
        assert (one.store, one.flush_period_s) == (store, NEVER_S)
    assert store.lines == ["served,service=old v=1i 1"]


@pytest.fixture(scope="module")
def fragile(influxd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """A server of this module's own, to be killed and paused."""
    with running(influxd, tmp_path_factory.mktemp("fragile")) as server:
        yield server


async def test_a_server_that_is_killed_for_a_while_costs_nothing(fragile: InfluxDB) -> None:
    bucket = fragile.new_bucket()
    configured = own(
        url=fragile.url, organization=fragile.org, bucket=bucket, token=fragile.token, flushing_period=0.02
    )
    numbers = itertools.count()
    async with Monitor(configured) as one:
        hasten(one)

        async def emit_until(condition: Callable[[], object]) -> None:
            async with asyncio.timeout(60):
                while not condition():
                    one.emit(Numbered(n=next(numbers)) for _ in range(20))
                    checked(one.counts)
                    await asyncio.sleep(0.005)

        await emit_until(lambda: one.counts.written >= 200)
        fragile.kill()
        gone = one.counts.accepted
        await emit_until(lambda: one.last_error and one.counts.pending > 2_000)

        def start() -> None:
            fragile.start()
            fragile._close_connections()

        starting = asyncio.create_task(asyncio.to_thread(start))
        await emit_until(lambda: starting.done() and one.counts.written > gone)
        await one.flush(WAIT_S)
        found = checked(one.counts)
        assert (found.written, found.dropped) == (found.accepted, 0)
    assert stored(fragile, bucket) == list(range(next(numbers)))


async def test_a_server_that_is_paused_for_a_while_costs_nothing(fragile: InfluxDB) -> None:
    bucket = fragile.new_bucket()
    configured = own(
        url=fragile.url,
        organization=fragile.org,
        bucket=bucket,
        token=fragile.token,
        flushing_period=0.02,
        timeout=0.3,
        self_metrics_period=0,
    )
    async with Monitor(configured) as one:
        hasten(one)
        one.emit(Numbered(n=0))
        await one.flush(WAIT_S)
        fragile.pause()
        try:
            one.emit(Numbered(n=n) for n in range(1, 1_000))
            with pytest.raises(FlushTimeoutError, match="no answer within"):
                await one.flush(PAUSE_S)
            assert checked(one.counts).pending == 999
        finally:
            fragile.resume()
        await one.flush(WAIT_S)
        assert checked(one.counts).written == 1_000
    assert stored(fragile, bucket) == list(range(1_000))
