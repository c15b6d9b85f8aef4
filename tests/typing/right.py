"""Correct uses of tsmon; type checkers report nothing."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

import tsmon
from tsmon import Monitor, Point, Tag
from tsmon.integrations.aiohttp import instrument
from tsmon.monitor.emitter import Emitter
from tsmon.points import Request, SubtaskExecution
from tsmon.settings import MonitoringSettings
from tsmon.stores import Bin, Selector, Series
from tsmon.work import InProgressCounter, current_work, measure_work, timed


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


@timed("match_time")
def matched(task: int) -> str:
    return str(task)


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
