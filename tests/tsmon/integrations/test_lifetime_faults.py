"""An application starts, serves and ends, whether or not its Monitor can start."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.services.own_store import OwnStore
from tests.tsmon.integrations.applications import (
    APPLICATIONS,
    FAULTS,
    Application,
    check_counts,
    every_application,
    lifespans,
    plain,
    server_that_is_away,
)
from tests.tsmon.integrations.test_lifetime_aiohttp import aiohttp_app, serve_once
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.integrations.lifetime import Lifetime
from tsmon.settings import MonitoringSettings

STOP_S = 0.05


@pytest.fixture(autouse=True)
def quick_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is away is waited for only briefly."""
    lifespans.clear()
    stop = Monitor.stop
    monkeypatch.setattr(Monitor, "stop", lambda monitor: stop(monitor, STOP_S))


@every_application
@pytest.mark.parametrize("fault", FAULTS)
def test_an_application_runs_though_its_monitor_cannot_start(
    make: Callable[[], Application],
    fault: Callable[[Path], MonitoringSettings],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = Monitor(fault(tmp_path))
    client = TestClient(RequestMiddleware(make(), monitor))
    for _ in range(2):
        with client:
            assert client.get("/hello").status_code == 200
    if make is not APPLICATIONS["bare"]:
        assert lifespans == ["begun", "ended"] * 2
    assert check_counts(monitor).pending == 0
    assert check_counts(monitor).dropped_by == {"stopped": check_counts(monitor).accepted}
    if fault is not server_that_is_away:
        assert "the Monitor cannot start, points wait in memory, and it is tried again: " in caplog.text
        assert str(tmp_path) in caplog.text


async def test_a_monitor_that_could_not_start_does_as_soon_as_it_can(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.touch()
    monitor = Monitor(plain(store="sqlite", file=in_the_way / "metrics.db"))
    life = Lifetime(monitor)
    await life.begin()
    assert not monitor.is_running
    assert "metrics.db" in str(monitor.last_error)
    in_the_way.unlink()
    while monitor.last_error is not None:
        await asyncio.sleep(0.01)
    assert monitor.is_running
    await life.end()


async def test_a_start_that_hangs_holds_up_neither_the_start_nor_the_end() -> None:
    class Hanging(OwnStore):
        async def open(self) -> None:
            await asyncio.sleep(1e6)

    monitor = Monitor(plain(), store=Hanging())
    life = Lifetime(monitor)
    async with asyncio.timeout(10):
        await life.begin()
        await life.end()
    assert not monitor.is_running


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_aiohttp_application_runs_though_its_monitor_cannot_start(
    fault: Callable[[Path], MonitoringSettings], tmp_path: Path
) -> None:
    monitor = Monitor(fault(tmp_path))
    await serve_once(aiohttp_app(monitor))
    await serve_once(aiohttp_app(monitor))
    assert check_counts(monitor).pending == 0
    assert "stopped" in check_counts(monitor).dropped_by
