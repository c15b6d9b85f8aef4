"""The spool between a Monitor's buffer and its store: adoption while running, a disk that is slow or refuses."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import Numbered, stored
from tests.services.proxy import Fault, proxy_to
from tests.services.small_disk import small_disk
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.delivery import delivery as delivery_module
from tsmon.delivery import spool_files
from tsmon.delivery.backoff import Backoff
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.delivery import Delivery
from tsmon.delivery.spooler import Spooler
from tsmon.errors import BatchTooLargeError, FlushTimeoutError, StoreUnavailableError
from tsmon.settings import MonitoringSettings
from tsmon.spool import Destination, Spool
from tsmon.spool.inspection import find_queues
from tsmon.stores import Store

__all__ = ["small_disk"]


@pytest.fixture
def options(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> dict[str, object]:
    return {
        "url": influxdb.url,
        "organization": influxdb.org,
        "bucket": bucket,
        "token": influxdb.token,
        "spool_directory": str(tmp_path / "spool"),
        "flushing_period": 0.02,
    }


def fill(filler: Path) -> None:
    """Take all the room there is."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4_096)


def exact(monitor: Monitor) -> bool:
    counts = monitor.counts
    return counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped


async def test_what_a_process_left_that_ended_meanwhile_is_sent_too(
    influxdb: InfluxDB, bucket: str, options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_files, "ADOPT_EVERY_S", 0.0)
    other = Spool(tmp_path / "spool", Destination(influxdb.url, influxdb.org, bucket), max_bytes=1_000_000)
    other.open()
    other.append(b"numbered n=1i 1\nnumbered n=2i 2", 2)
    async with Monitor(MonitoringSettings.model_validate(options)) as monitor:
        monitor.emit(Numbered(n=3))
        await monitor.flush()
        assert monitor.counts.recovered == 0
        other.close()
        monitor.emit(Numbered(n=4))
        await eventually(lambda: monitor.counts.recovered == 2 and monitor.counts.pending == 0)
        assert exact(monitor)
    assert stored(influxdb, bucket) == [1, 2, 3, 4]


@pytest.mark.parametrize("mode", ["on", "required"])
async def test_a_full_disk_costs_durability_and_nothing_else(
    influxdb: InfluxDB,
    bucket: str,
    options: dict[str, object],
    small_disk: Path,
    mode: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    filler = small_disk / "filler"
    options |= {"spool": mode, "spool_directory": str(small_disk / "spool")}
    async with Monitor(MonitoringSettings.model_validate(options)) as monitor:
        monitor.emit(Numbered(n=0))
        await monitor.flush()
        fill(filler)
        durable = monitor.durable_sequence
        # In mode `on`, the disk is asked at the stop or where the server is away.
        for number in range(1, 2_001):
            monitor.emit(Numbered(n=number, text="x" * 500))
        if mode == "required":
            await eventually(lambda: "cannot be used (No space left on device)" in caplog.text)
            assert monitor.durable_sequence == durable
            assert monitor.counts.pending == 2_000
        filler.unlink()
        await monitor.flush(20.0)
        assert exact(monitor)
        assert (monitor.counts.written, monitor.counts.dropped) == (2_001, 0)
        assert monitor.durable_sequence == 2_001
    assert stored(influxdb, bucket) == list(range(2_001))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 1


async def test_a_point_is_safe_as_soon_as_its_sequence_number_is_durable(options: dict[str, object]) -> None:
    settings = MonitoringSettings.model_validate(
        options | {"spool": "required", "flushing_period": 1e6, "self_metrics_period": 1e-9}
    )
    monitor = Monitor(settings)
    await monitor.start()
    monitor.emit(Numbered(n=1))
    assert monitor.sequence == 1
    # The flush emits a point of its own.
    await monitor.flush()
    monitor.emit(Numbered(n=2))
    assert (monitor.sequence, monitor.durable_sequence) == (3, 2)
    await monitor.flush()
    assert monitor.durable_sequence >= 3
    monitor.emit(Numbered(n=number) for number in range(1_200))
    assert monitor.sequence == monitor.counts.accepted
    await monitor.stop()


async def test_while_the_server_is_away_what_was_not_taken_is_soon_on_disk(options: dict[str, object]) -> None:
    monitor = Monitor(MonitoringSettings.model_validate(options | {"url": "http://127.0.0.1:1"}))
    await monitor.start()
    monitor.emit(Numbered(n=number) for number in range(5))
    await eventually(lambda: monitor.last_error is not None)
    await eventually(lambda: monitor.durable_sequence == 5)
    assert (monitor.counts.pending, monitor.counts.dropped) == (5, 0)
    await monitor.stop(0.0)


async def test_behind_a_write_that_never_ends_points_go_to_disk(
    influxdb: InfluxDB, bucket: str, options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "LAG_S", 0.05)
    async with proxy_to(influxdb.port) as proxy:
        proxy.rule = lambda _: Fault()
        monitor = Monitor(MonitoringSettings.model_validate(options | {"url": proxy.url}))
        await monitor.start()
        monitor.emit(Numbered(n=0))
        await proxy.arrived(1)
        monitor.emit(Numbered(n=number) for number in range(1, 6))
        await eventually(lambda: sum(queue.lines for queue in find_queues(tmp_path / "spool")) == 5)
        assert monitor.counts.pending == 6
        # The one under way may have reached the server or not, and is not on disk.
        assert monitor.durable_sequence == 0
        await monitor.stop(0.1)
        proxy.rule = lambda _: None
        async with Monitor(MonitoringSettings.model_validate(options | {"url": proxy.url})) as monitor:
            await monitor.flush(20.0)
            assert (monitor.counts.recovered, monitor.counts.pending) == (6, 0)
    assert stored(influxdb, bucket) == list(range(6))


async def test_a_full_disk_while_the_server_is_away_leaves_the_points_in_memory(
    influxdb: InfluxDB, bucket: str, options: dict[str, object], small_disk: Path
) -> None:
    filler = small_disk / "filler"
    fill(filler)
    settings = MonitoringSettings.model_validate(
        options | {"url": "http://127.0.0.1:1", "spool_directory": str(small_disk / "spool")}
    )
    async with Monitor(settings) as monitor:
        monitor.emit(Numbered(n=number) for number in range(100))
        await eventually(lambda: monitor.last_error is not None)
        assert (monitor.counts.pending, monitor.counts.dropped) == (100, 0)
        await monitor.reconfigure(settings.model_copy(update={"url": influxdb.url}), lambda: _store(options))
        await monitor.flush(20.0)
        assert exact(monitor)
        assert monitor.counts.written == 100
    assert stored(influxdb, bucket) == list(range(100))


class SlowDisk:
    """Holds up what is appended to any spool, as often as :meth:`let` has not been called."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.began = threading.Semaphore(0)
        self._turns = threading.Semaphore(0)
        self._free = False
        append = Spool.append

        def slowly(spool: Spool, data: bytes, lines: int, settle: Callable[[], bool]) -> bool:
            self.began.release()
            if not self._free:
                self._turns.acquire()
            return append(spool, data, lines, settle)

        patch.setattr(Spool, "append", slowly)

    async def busy(self) -> None:
        await asyncio.to_thread(self.began.acquire)

    def let(self) -> None:
        self._turns.release()

    def heal(self) -> None:
        self._free = True
        self._turns.release(1_000)


@pytest.fixture
async def slow_disk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlowDisk]:
    disk = SlowDisk(monkeypatch)
    yield disk
    disk.heal()


class Road:
    """A buffer, a spool and a store of the test's own, and the delivery between them."""

    def __init__(self, root: Path, store: OwnStore, *, required: bool) -> None:
        self.buffer = Buffer(1_000_000, batch_lines=10)
        self.store = store
        self.spooler = Spooler(
            self.buffer, root, Destination("http://a", "o", "b"), required=required, max_bytes=1_000_000
        )
        self.delivery = Delivery(self.buffer, store, spooler=self.spooler, backoff=Backoff(1_000.0, 1_000.0))

    def put(self, *numbers: int) -> None:
        for n in numbers:
            self.buffer.lines.append(f"numbered n={n}i {n}")
            if len(self.buffer.lines) >= self.buffer.block_lines:
                self.buffer.seal()

    async def settle(self) -> None:
        self.buffer.seal(wait=True)
        async with asyncio.timeout(20):
            assert await self.delivery.settle(self.buffer.sealed)

    async def idle(self) -> None:
        await eventually(lambda: not self.delivery.busy)

    @property
    def sent(self) -> list[int]:
        return [int(line.split("n=")[1].split("i")[0]) for line in self.store.lines]


async def test_what_is_moved_to_disk_is_not_sent_meanwhile(tmp_path: Path, slow_disk: SlowDisk) -> None:
    road = Road(tmp_path, OwnStore([BatchTooLargeError("halve it"), StoreUnavailableError("away")]), required=False)
    await road.spooler.open()
    road.put(*range(10))
    road.delivery.kick()
    await road.idle()
    road.put(*range(10, 20))
    road.delivery.kick()
    await slow_disk.busy()
    settling = asyncio.create_task(road.settle())
    for _ in range(10):
        await asyncio.sleep(0)
    slow_disk.heal()
    await settling
    assert road.sent == list(range(20))
    counts = road.buffer.counts(nonfinite_fields=0)
    assert (counts.written, counts.pending, counts.dropped) == (20, 0, 0)
    await road.delivery.close()
    await road.delivery.keep_rest(20.0)


async def test_what_is_on_disk_is_sent_while_the_disk_takes_more(tmp_path: Path, slow_disk: SlowDisk) -> None:
    road = Road(tmp_path, OwnStore(), required=True)
    await road.spooler.open()
    road.put(*range(20))
    settling = asyncio.create_task(road.settle())
    await slow_disk.busy()
    slow_disk.let()
    await slow_disk.busy()
    await eventually(lambda: road.sent == list(range(10)))
    assert road.buffer.durable == 10
    slow_disk.heal()
    await settling
    assert road.sent == list(range(20))
    await road.delivery.close()
    await road.delivery.keep_rest(20.0)


async def test_a_stop_meets_no_thread_that_still_works_on_the_disk(
    tmp_path: Path, slow_disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "CANCEL_S", 0.01)
    road = Road(tmp_path, OwnStore([StoreUnavailableError("away")] * 100), required=True)
    await road.spooler.open()
    road.put(*range(30))
    road.delivery.kick()
    await slow_disk.busy()
    await road.delivery.close()
    threading.Timer(0.1, slow_disk.heal).start()
    await road.delivery.keep_rest(20.0)
    counts = road.buffer.counts(nonfinite_fields=0)
    assert (counts.accepted, counts.pending) == (30, 30)
    assert road.buffer.close("stopped") == 0
    spool = Spool(tmp_path, Destination("http://a", "o", "b"), max_bytes=1_000_000)
    assert spool.open() == 30
    spool.close()


def left_behind(options: dict[str, object], *numbers: int) -> None:
    """What an earlier process left in the spool."""
    destination = Destination(str(options["url"]), str(options["organization"]), str(options["bucket"]))
    spool = Spool(Path(str(options["spool_directory"])), destination, max_bytes=1_000_000)
    spool.open()
    for n in numbers:
        spool.append(f"numbered n={n}i {n + 1}".encode(), 1)
    spool.close()


async def test_a_flush_and_a_stop_wait_for_recovered_points_too(
    influxdb: InfluxDB, bucket: str, options: dict[str, object]
) -> None:
    options |= {"flushing_period": 1e6}
    left_behind(options, *range(20))
    async with Monitor(MonitoringSettings.model_validate(options)) as monitor:
        await monitor.flush(20.0)
        assert (monitor.counts.recovered, monitor.counts.written, monitor.counts.pending) == (20, 20, 0)
    left_behind(options, *range(20, 40))
    async with Monitor(MonitoringSettings.model_validate(options)) as monitor:
        pass
    assert exact(monitor)
    assert (monitor.counts.recovered, monitor.counts.written, monitor.counts.pending) == (20, 20, 0)
    assert stored(influxdb, bucket) == list(range(40))


async def test_a_flush_of_recovered_points_that_cannot_be_sent_says_so(options: dict[str, object]) -> None:
    options |= {"url": "http://127.0.0.1:1"}
    left_behind(options, 1, 2)
    monitor = Monitor(MonitoringSettings.model_validate(options))
    await monitor.start()
    with pytest.raises(FlushTimeoutError, match=r"^2 points are not acknowledged"):
        await monitor.flush(0.1)
    await monitor.stop(0.1)
    left_behind(options, 3)
    monitor = Monitor(MonitoringSettings.model_validate(options))
    await monitor.start()
    assert monitor.counts.recovered == 3
    await monitor.stop(0)


async def test_another_server_gets_what_waits_on_disk_now_or_after_the_next_start(
    influxdb: InfluxDB, bucket: str, options: dict[str, object]
) -> None:
    away, gone = "http://127.0.0.1:1", "http://127.0.0.1:2"
    left_behind(options | {"url": away}, 0)
    settings = MonitoringSettings.model_validate(options | {"url": away, "spool": "required"})
    monitor = Monitor(settings)
    await monitor.start()
    monitor.emit(Numbered(n=1))
    await eventually(lambda: monitor.durable_sequence == 1)
    moved = MonitoringSettings.model_validate(options | {"url": gone, "spool": "required"})
    await monitor.reconfigure(moved, lambda: _store(options | {"url": gone}))
    monitor.emit(Numbered(n=2))
    await eventually(lambda: monitor.durable_sequence == 2)
    assert exact(monitor)
    assert (monitor.counts.recovered, monitor.counts.pending, monitor.counts.dropped) == (1, 3, 0)
    await monitor.stop(0.1)
    assert exact(monitor)
    async with Monitor(MonitoringSettings.model_validate(options | {"url": gone})) as monitor:
        assert monitor.counts.recovered == 3
        here = MonitoringSettings.model_validate(options)
        await monitor.reconfigure(here, lambda: _store(options))
        await monitor.flush(20.0)
        assert exact(monitor)
        assert (monitor.counts.written, monitor.counts.pending) == (3, 0)
    assert stored(influxdb, bucket) == [0, 1, 2]


def _store(options: dict[str, object]) -> Store:
    from tsmon.stores.factory import store_from

    return store_from(MonitoringSettings.model_validate(options))
