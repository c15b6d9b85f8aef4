"""influxdb-client: its Point, and its batched writing, on threads or in an event loop."""

import asyncio
import time

from influxdb_client import InfluxDBClient, Point, WriteOptions
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from benchmarks.emitting import time_emitting
from benchmarks.events import SERVICE, Events, make_events
from benchmarks.holding import measure_memory
from benchmarks.rounds import Figures
from benchmarks.server import Bucket
from benchmarks.writing import measure_time

__all__ = ["emit", "hold_lines", "hold_points", "write_async", "write_batching"]

BATCH = 5_000


def build_point(route: str, status_code: int, request_id: str, execution_time: float) -> Point:
    """The point of a request."""
    return (
        Point("requests")
        .tag("service", SERVICE)
        .tag("route", route)
        .tag("status_code", status_code)
        .field("request_id", request_id)
        .field("execution_time", execution_time)
        .time(time.time_ns())
    )


def emit(points: int, threads: int) -> Figures:
    """One round of construct, ``to_line_protocol()``, append to a list."""
    lines: list[str] = []

    def serialise(load: Events) -> None:
        for route, status_code, request_id, execution_time in load:
            lines.append(build_point(route, status_code, request_id, execution_time).to_line_protocol())

    figures = time_emitting(serialise, points, threads)
    assert len(lines) >= points
    return figures


def hold_lines(points: int) -> Figures:
    """One round of lines, as its batches hold them."""
    lines: list[str] = []

    def hold(load: Events) -> None:
        lines.extend(build_point(*event).to_line_protocol() for event in load)

    return measure_memory(points, hold, lambda: sum(map(len, lines)) / len(lines))


def hold_points(points: int) -> Figures:
    """One round of points, as a program holds them until it calls ``write()``."""
    kept: list[Point] = []

    def hold(load: Events) -> None:
        kept.extend(build_point(*event) for event in load)

    return measure_memory(
        points, hold, lambda: sum(len(one.to_line_protocol()) for one in kept[:1_000]) / len(kept[:1_000])
    )


def write_batching(points: int, bucket: Bucket) -> Figures:
    """One round by default: points one by one to a WriteApi that sends batches from threads."""
    failures: list[object] = []
    load = make_events(points)
    options = WriteOptions(batch_size=BATCH)
    with (
        InfluxDBClient(bucket.server.url, bucket.server.token, org=bucket.server.org) as client,
        measure_time() as meter,
        client.write_api(options, error_callback=lambda *error: failures.append(error)) as writer,
    ):
        for route, status_code, request_id, execution_time in load:
            writer.write(bucket.name, record=build_point(route, status_code, request_id, execution_time))
    assert not failures, failures[0]
    return meter.figures(points)


def write_async(points: int, bucket: Bucket) -> Figures:
    """One asynchronous round: lists of points, one after the other, since it has no batching there."""
    return asyncio.run(_write_async(points, bucket))


async def _write_async(points: int, bucket: Bucket) -> Figures:
    load = make_events(points)
    async with InfluxDBClientAsync(bucket.server.url, bucket.server.token, org=bucket.server.org) as client:
        writer = client.write_api()
        with measure_time() as meter:
            for first in range(0, points, BATCH):
                batch = [build_point(*event) for event in load[first : first + BATCH]]
                await writer.write(bucket.name, record=batch)
    return meter.figures(points)
