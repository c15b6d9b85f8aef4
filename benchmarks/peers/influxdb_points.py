"""influxdb-client: its Point, and its writing in batches, on threads or in an event loop."""

import asyncio
import time

from influxdb_client import InfluxDBClient, Point, WriteOptions
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from benchmarks.emitting import timed
from benchmarks.events import SERVICE, Events, events
from benchmarks.holding import held
from benchmarks.rounds import Figures
from benchmarks.server import Bucket
from benchmarks.writing import measured

__all__ = ["emit", "hold_lines", "hold_points", "write_async", "write_batching"]

BATCH = 5_000


def point_of(route: str, status_code: int, request_id: str, execution_time: float) -> Point:
    """The point that a service would make of a request."""
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

    def serialise(events: Events) -> None:
        for route, status_code, request_id, execution_time in events:
            lines.append(point_of(route, status_code, request_id, execution_time).to_line_protocol())

    figures = timed(serialise, points, threads)
    assert len(lines) >= points
    return figures


def hold_lines(points: int) -> Figures:
    """Its lines, as its batches hold them."""
    lines: list[str] = []

    def hold(events: Events) -> None:
        lines.extend(point_of(*event).to_line_protocol() for event in events)

    return held(points, hold, lambda: sum(map(len, lines)) / len(lines))


def hold_points(points: int) -> Figures:
    """Its points, as a program holds them until it calls ``write()``."""
    kept: list[Point] = []

    def hold(events: Events) -> None:
        kept.extend(point_of(*event) for event in events)

    return held(points, hold, lambda: sum(len(one.to_line_protocol()) for one in kept[:1_000]) / len(kept[:1_000]))


def write_batching(points: int, bucket: Bucket) -> Figures:
    """One round of its default way: points one by one into a WriteApi that sends batches from threads."""
    failures: list[object] = []
    load = events(points)
    options = WriteOptions(batch_size=BATCH)
    with (
        InfluxDBClient(bucket.server.url, bucket.server.token, org=bucket.server.org) as client,
        measured() as meter,
        client.write_api(options, error_callback=lambda *error: failures.append(error)) as writer,
    ):
        for route, status_code, request_id, execution_time in load:
            writer.write(bucket.name, record=point_of(route, status_code, request_id, execution_time))
    assert not failures, failures[0]
    return meter.figures(points)


def write_async(points: int, bucket: Bucket) -> Figures:
    """One round of its asynchronous way, which does not batch by itself: lists of points, one after the other."""
    return asyncio.run(_write_async(points, bucket))


async def _write_async(points: int, bucket: Bucket) -> Figures:
    load = events(points)
    async with InfluxDBClientAsync(bucket.server.url, bucket.server.token, org=bucket.server.org) as client:
        writer = client.write_api()
        with measured() as meter:
            for first in range(0, points, BATCH):
                batch = [point_of(*event) for event in load[first : first + BATCH]]
                await writer.write(bucket.name, record=batch)
    return meter.figures(points)
