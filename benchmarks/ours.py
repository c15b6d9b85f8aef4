"""tsmon itself."""

import asyncio
import time
from tempfile import TemporaryDirectory
from typing import Final

import tsmon
from benchmarks.emitting import timed
from benchmarks.events import SERVICE, Events, events
from benchmarks.rounds import Figures
from benchmarks.server import Bucket
from benchmarks.writing import measured
from tsmon.background import BackgroundMonitor
from tsmon.settings import MonitoringSettings

__all__ = ["STEADY_PER_S", "emit", "write", "write_in_a_loop", "write_steadily"]

SLICE: Final = 100
STEADY_PER_S: Final = 20_000


def emit(points: int, threads: int) -> Figures:
    """One round of construct, check, encode, buffer; the times are taken by tsmon, the Monitor is not started."""
    monitor = tsmon.Monitor(MonitoringSettings(service=SERVICE, url="http://localhost:8086", spool="off"))
    figures = timed(lambda events: _emit(monitor, events), points, threads)
    assert monitor.counts.pending >= points
    return figures


def write(points: int, bucket: Bucket) -> Figures:
    """One round of a synchronous program that emits everything, then flushes; with the default settings."""
    load = events(points)
    with TemporaryDirectory() as spool, tsmon.Monitor(_settings(bucket, spool)) as monitor:
        with measured() as meter:
            _emit(monitor, load)
            monitor.flush()
        assert monitor.counts.written == points, monitor.counts
    return meter.figures(points)


def write_in_a_loop(points: int, bucket: Bucket) -> Figures:
    """The same in an event loop, which gets its turn after every few hundred points."""
    return asyncio.run(_write_in_a_loop(points, bucket, pause_s=0.0))


def write_steadily(points: int, bucket: Bucket) -> Figures:
    """In an event loop at a rate far below the limit, sent in each flushing period."""
    return asyncio.run(_write_in_a_loop(points, bucket, pause_s=SLICE / STEADY_PER_S))


async def _write_in_a_loop(points: int, bucket: Bucket, pause_s: float) -> Figures:
    load = events(points)
    with TemporaryDirectory() as spool:
        async with tsmon.Monitor(_settings(bucket, spool)) as monitor:
            with measured() as meter:
                due = time.monotonic()
                for first in range(0, points, SLICE):
                    _emit(monitor, load[first : first + SLICE])
                    due += pause_s
                    await asyncio.sleep(max(due - time.monotonic(), 0.0))
                await monitor.flush()
            assert monitor.counts.written == points, monitor.counts
    return meter.figures(points)


def _emit(monitor: tsmon.Monitor | BackgroundMonitor, load: Events) -> None:
    for route, status_code, request_id, execution_time in load:
        monitor.emit(
            tsmon.Request(
                route=route,
                status_code=status_code,
                request_id=request_id,
                execution_time=execution_time,
            )
        )


def _settings(bucket: Bucket, spool: str) -> MonitoringSettings:
    server = bucket.server
    return MonitoringSettings.model_validate(
        {
            "service": SERVICE,
            "url": server.url,
            "organization": server.org,
            "bucket": bucket.name,
            "token": server.token,
            "spool_directory": spool,
        }
    )
