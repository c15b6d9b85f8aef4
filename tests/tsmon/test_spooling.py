"""The spool between a Monitor's buffer and its store: adoption while running, and a disk that refuses."""

import contextlib
import logging
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import Numbered, stored
from tests.services.small_disk import small_disk
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor, spooling
from tsmon.settings import MonitoringSettings
from tsmon.spool import Destination, Spool
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
    monkeypatch.setattr(spooling, "ADOPT_EVERY_S", 0.0)
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


def _store(options: dict[str, object]) -> Store:
    from tsmon.configured import store_from

    return store_from(MonitoringSettings.model_validate(options))
