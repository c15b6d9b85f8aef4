"""Correct uses of tsmon; type checkers report nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np
from aiohttp import web

import tsmon
from tsmon import Monitor, Point, Tag
from tsmon.availability import EXACT, Deployment, Interval, compute_availability
from tsmon.integrations.aiohttp import instrument
from tsmon.monitor.emitter import Emitter
from tsmon.points import Request, SubtaskExecution
from tsmon.settings import MonitoringSettings
from tsmon.stores import Bin, Selector, Series
from tsmon.work import InProgressCounter, carry_work, count_exceptions, current_work, measure_work, timed


class Exposure(Point, measurement="exposures"):
    """A user's own series."""

    detector: Tag[str]
    frame: Tag[int]
    duration: float
    comment: str | None = None


class TenantRequest(Request):
    """Requests with a tag of the application's own."""

    tenant: Tag[str | None] = None


def read_tenant(request: web.Request) -> str | None:
    return request.headers.get("X-Tenant")


def make_app() -> web.Application:
    app = web.Application()
    monitor = Monitor(service="catalogue")
    instrument(app, monitor, errors_from=500, request_class=TenantRequest, fill={"tenant": read_tenant})
    return app


def made() -> list[Point]:
    exposure = Exposure(detector="west", frame=1, duration=0.5, time=datetime.now(UTC), tags={"run": 7})
    detector: str = exposure.detector
    frame: int = exposure.frame
    duration: float = exposure.duration
    comment: str | None = exposure.comment
    print(detector, frame, duration, comment)
    request = Request(route="GET:/", status_code=200, request_id="a", execution_time=1)
    return [exposure, request]


class Colour(Enum):
    RED = "red"


def made_of_other_numbers() -> list[Point]:
    """Decimals and scalars of NumPy are accepted as tags, fields and times."""
    exact = Exposure(detector="west", frame=1, duration=0.5, time=Decimal("1700000000.5"))
    numpys = Exposure(detector="west", frame=1, duration=0.5, time=np.datetime64("2024-05-01T12:00", "ns"))
    other = Exposure(
        detector="west",
        frame=1,
        duration=0.5,
        time=np.int64(1_700_000_000_000_000_000),
        tags={"run": Decimal(7), "ok": np.bool_(True), "colour": Colour.RED},
        fields={"gain": np.float32(0.5), "price": Decimal("0.1"), "colour": Colour.RED, "none": None},
    )
    return [exact, numpys, other]


@timed("match_time")
def matched(task: int) -> str:
    return str(task)


@timed("walk_time")
def walked(tasks: list[int]) -> Iterator[str]:
    yield from map(str, tasks)


@timed("stream_time")
async def streamed(tasks: list[int]) -> AsyncIterator[str]:
    for task in tasks:
        yield str(task)


class Matcher:
    @timed("match_time")
    def match(self, task: int) -> str:
        return str(task)

    @timed("match_time")
    @staticmethod
    def match_static(task: int) -> str:
        return str(task)

    @timed("match_time")
    @classmethod
    def match_class(cls, task: int) -> str:
        return str(task)

    @count_exceptions("failures", ValueError)
    async def match_soon(self, task: int) -> str:
        return str(task)


def time_by_hand() -> float:
    with timed("match_time") as timing:
        nanoseconds: int = timing.elapsed_ns
        print(nanoseconds)
    return timing.elapsed_s


def hand_to_threads(executor: ThreadPoolExecutor) -> list[str]:
    future: Future[str] = executor.submit(carry_work(matched), 3)
    numbers: Iterator[str] = executor.map(carry_work(matched), [1, 2])
    return [future.result(), *numbers]


async def use_decorated() -> list[str]:
    matcher = Matcher()
    texts: list[str] = [
        matcher.match(1),
        Matcher.match_static(2),
        matcher.match_class(3),
        await matcher.match_soon(4),
    ]
    async with timed("stream_time") as timing:
        texts += [text async for text in streamed([1])]
    return [*texts, *walked([1]), f"{timing.elapsed_s}"]


@timed("load_time")
async def loaded(path: str) -> bytes:
    return path.encode()


def emit_exposure(emitter: Emitter) -> None:
    emitter.emit(Exposure(detector="west", frame=3, duration=emitter.settings.flushing_period))


async def emitted() -> None:
    async with Monitor(service="catalogue") as monitor:
        monitor.emit(made())
        emit_exposure(monitor)
        exports = InProgressCounter(monitor, "exports")
        async with exports:
            number: str = matched(3)
            content: bytes = await loaded(number)
            assert content
        with measure_work() as data:
            data.tags["camera"] = "west"
            data.fields["tries"] = 3
            execution: SubtaskExecution = data.make_point(SubtaskExecution, task_id=1, subtask_id=1, task_type=4)
            monitor.emit(execution)
        work = current_work()
        assert work is None
        selector = Selector("exposures", "duration", {"detector": "west"})
        bins: list[Bin] = await monitor.store.bins(selector, start_ns=0, stop_ns=10, every_ns=5)
        series: list[Series] = await monitor.store.series(selector, start_ns=0, stop_ns=10, every_ns=5)
        print(bins, series)
        await monitor.flush(timeout=5.0)


def configure_by_texts() -> MonitoringSettings:
    print(tsmon.__version__)
    settings = MonitoringSettings(store="sqlite", file="metrics.db", token="secret", tags_as_fields="a, b")
    file: Path | None = settings.file
    print(file)
    return MonitoringSettings(file=Path("metrics.db"), spool_directory="spool", proxy="http://proxy:3128")


def emitted_without_a_loop() -> None:
    with Monitor(service="catalogue") as monitor:
        monitor.emit(Exposure(detector="west", frame=2, duration=0.5))
        emit_exposure(monitor)
        accepted: int = monitor.counts.accepted
        assert accepted
        monitor.flush()


if __name__ == "__main__":
    asyncio.run(emitted())


def compute_report() -> list[Interval]:
    expected = Deployment(1, datetime.now(UTC), "2024-05-04")
    between = Deployment.between(2, np.datetime64("2024-05-04"), unit="s")
    start: int = expected.start_ns
    end: int | None = between.end_ns
    print(start, end)
    times = np.arange(10) + 1_700_000_000
    rules = EXACT.with_period(timedelta(minutes=6))
    named = compute_availability(
        times, expected, "exact", unit="s", start_ns="2024-05-01", now_ns=datetime.now(UTC)
    )
    return [*compute_availability(times, [expected, between], rules, unit="s").intervals, *named.intervals]
