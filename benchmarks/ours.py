"""tsmon itself."""

import asyncio
import time
from tempfile import TemporaryDirectory
from typing import Final

import tsmon
from benchmarks.emitting import time_emitting
from benchmarks.events import SERVICE, Events, make_events
from benchmarks.holding import measure_memory
from benchmarks.rounds import Figures
from benchmarks.server import Bucket
from benchmarks.writing import measure_time
from tsmon.monitor.emitter import Emitter
from tsmon.settings import MonitoringSettings

__all__ = [
    "STEADY_PER_S",
    "emit",
    "emit_all",
    "hold",
    "write",
    "write_in_a_loop",
    "write_steadily",
    "write_with_spool",
]

SLICE: Final = 100
WARM_UP: Final = 2_000
STEADY_PER_S: Final = 20_000


def emit(points: int, threads: int) -> Figures:
    """One round of construct, check, encode, buffer; tsmon sets the times, and the Monitor is not started."""
    monitor = tsmon.Monitor(MonitoringSettings(service=SERVICE, url="http://localhost:8086", spool="off"))
    figures = time_emitting(lambda load: emit_all(monitor, load), points, threads)
    assert monitor.counts.pending >= points
    _discard(monitor)
    return figures


def hold(points: int) -> Figures:
    """One round of points that are emitted and not sent."""
    settings = MonitoringSettings(service=SERVICE, url="http://localhost:8086", spool="off", buffer_bytes=1 << 40)
    monitor = tsmon.Monitor(settings)
    emit_all(monitor, make_events(WARM_UP))
    before = monitor.counts.pending

    def line_bytes() -> float:
        buffer = monitor._buffer  # noqa: SLF001
        buffer.seal(wait=True)
        return buffer.held_bytes / (before + points)

    figures = measure_memory(points, lambda load: emit_all(monitor, load), line_bytes)
    assert monitor.counts.pending == before + points
    _discard(monitor)
    return figures


def _discard(monitor: tsmon.Monitor) -> None:
    """Drop what waits; otherwise a Monitor that was not started logs its loss at the exit."""
    monitor._buffer.close("stopped")  # noqa: SLF001


def write(points: int, bucket: Bucket) -> Figures:
    """One round of a synchronous program that emits all points, then flushes; with default settings."""
    return write_with_spool(points, "on", bucket)


def write_with_spool(points: int, mode: str, bucket: Bucket) -> Figures:
    """As :func:`write`, with a mode of the spool; it is on the file system of temporary files."""
    load = make_events(points)
    with TemporaryDirectory() as spool, tsmon.Monitor(_settings(bucket, spool, mode)) as monitor:
        with measure_time() as meter:
            emit_all(monitor, load)
            monitor.flush()
        assert monitor.counts.written == points, monitor.counts
    return meter.figures(points)


def write_in_a_loop(points: int, bucket: Bucket) -> Figures:
    """As :func:`write`, in an event loop, which runs after each hundred points."""
    return asyncio.run(_write_in_a_loop(points, bucket, pause_s=0.0))


def write_steadily(points: int, bucket: Bucket) -> Figures:
    """As :func:`write_in_a_loop`, at a rate far below the limit; points are sent in each flushing period."""
    return asyncio.run(_write_in_a_loop(points, bucket, pause_s=SLICE / STEADY_PER_S))


async def _write_in_a_loop(points: int, bucket: Bucket, pause_s: float) -> Figures:
    load = make_events(points)
    with TemporaryDirectory() as spool:
        async with tsmon.Monitor(_settings(bucket, spool)) as monitor:
            with measure_time() as meter:
                due = time.monotonic()
                for first in range(0, points, SLICE):
                    emit_all(monitor, load[first : first + SLICE])
                    due += pause_s
                    await asyncio.sleep(max(due - time.monotonic(), 0.0))
                await monitor.flush()
            assert monitor.counts.written == points, monitor.counts
    return meter.figures(points)


def emit_all(monitor: Emitter, load: Events) -> None:
    """Emit events one by one, as the handlers of a service would."""
    for route, status_code, request_id, execution_time in load:
        monitor.emit(
            tsmon.Request(
                route=route,
                status_code=status_code,
                request_id=request_id,
                execution_time=execution_time,
            )
        )


def _settings(bucket: Bucket, spool: str, mode: str = "on") -> MonitoringSettings:
    server = bucket.server
    return MonitoringSettings.model_validate(
        {
            "service": SERVICE,
            "url": server.url,
            "organization": server.org,
            "bucket": bucket.name,
            "token": server.token,
            "spool": mode,
            "spool_directory": spool,
        }
    )
