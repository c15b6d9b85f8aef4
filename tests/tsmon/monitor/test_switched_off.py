"""``enabled = false``: everything may be called, nothing is done."""

import logging
import threading
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tsmon import Monitor, Point
from tsmon.errors import SettingsError
from tsmon.integrations.aiohttp import instrument
from tsmon.integrations.asgi import RequestMiddleware as AsgiMiddleware
from tsmon.integrations.logging import LogHandler
from tsmon.integrations.wsgi import RequestMiddleware as WsgiMiddleware
from tsmon.settings import MonitoringSettings
from tsmon.work import InProgressCounter


class Sold(Point, measurement="sold"):
    pieces: int


@pytest.fixture
def settings(tmp_path: Path) -> MonitoringSettings:
    return MonitoringSettings(
        enabled=False, url="http://127.0.0.1:1", token="t", bucket="b", spool_directory=tmp_path / "spool"
    )


def nothing_happened(monitor: Monitor, tmp_path: Path) -> bool:
    return monitor.counts.accepted == 0 and monitor.counts.refused == 0 and list(tmp_path.iterdir()) == []


async def test_points_are_not_even_looked_at(settings: MonitoringSettings, tmp_path: Path) -> None:
    async with Monitor(settings) as monitor:
        monitor.emit(Sold(pieces="three"))  # type: ignore[arg-type]
        monitor.emit([Sold(pieces=3)])
        await monitor.flush()
    assert nothing_happened(monitor, tmp_path)


def test_nor_from_a_thread_of_its_own(settings: MonitoringSettings, tmp_path: Path) -> None:
    monitor = Monitor(settings)
    with monitor as background:
        background.emit(Sold(pieces=3))
        with InProgressCounter(background, "sales") as _:
            pass
        background.flush()
    assert nothing_happened(monitor, tmp_path)
    assert not [thread for thread in threading.enumerate() if thread.name == "tsmon"]


async def test_middleware_passes_requests_on(settings: MonitoringSettings, tmp_path: Path) -> None:
    async def fine(_: web.Request) -> web.Response:
        return web.Response(text="fine")

    monitor = Monitor(settings)
    app = web.Application()
    app.router.add_get("/", fine)
    instrument(app, monitor)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/")
        assert await answer.text() == "fine"
    assert nothing_happened(monitor, tmp_path)


async def test_asgi_and_wsgi_applications_are_called_as_they_are(settings: MonitoringSettings) -> None:
    seen: list[object] = []

    async def asgi(scope: object, receive: object, send: object) -> None:
        seen.extend((receive, send))

    def wsgi(environ: object, start_response: object) -> list[bytes]:
        seen.append(start_response)
        return [b"fine"]

    receive, send, start = object(), object(), object()
    async with Monitor(settings) as monitor:
        await AsgiMiddleware(asgi, monitor)({"type": "http", "headers": []}, receive, send)  # type: ignore[arg-type]
        wrapped = WsgiMiddleware(wsgi, Monitor(settings).start_in_background())
        assert wrapped({}, start) == [b"fine"]  # type: ignore[arg-type]
        wrapped.monitor.stop()
    assert seen == [receive, send, start]


async def test_log_records_are_ignored(settings: MonitoringSettings) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise AssertionError

    handler = LogHandler(Monitor(settings))
    handler.handle(logging.makeLogRecord({"name": "x", "msg": Unspeakable()}))
    assert handler.failures == 0


async def test_it_changes_at_the_next_start_only(settings: MonitoringSettings) -> None:
    async with Monitor(settings) as monitor:
        with pytest.raises(SettingsError, match=r"monitoring\.enabled has changed"):
            await monitor.reconfigure(settings.model_copy(update={"enabled": True}), lambda: monitor.store)
