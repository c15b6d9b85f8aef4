"""The fixture in a separate pytest, with applications as the README has them: the Monitor is created at import."""

import json
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

APPLICATIONS = {
    "flask_app": """
        from flask import Flask

        from tsmon import Monitor
        from tsmon.integrations.wsgi import RequestMiddleware

        app = Flask(__name__)
        monitor = Monitor(service="shop").start_in_background()
        app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)

        @app.get("/items/<int:number>")
        def item(number):
            monitor.emit(Sold(pieces=number))
            return str(number)
    """,
    "fastapi_app": """
        from fastapi import FastAPI

        from tsmon import Monitor
        from tsmon.integrations.asgi import RequestMiddleware

        monitor = Monitor(service="shop")
        app = FastAPI()
        app.add_middleware(RequestMiddleware, monitor=monitor)

        @app.get("/items/{number}")
        def item(number: int):
            monitor.emit(Sold(pieces=number))
            return number
    """,
    "aiohttp_app": """
        from aiohttp import web

        from tsmon import Monitor
        from tsmon.integrations.aiohttp import instrument

        monitor = Monitor(service="shop")

        async def item(request):
            emit(Sold(pieces=int(request.match_info["number"])))
            return web.Response(text="fine")

        emit = monitor.emit
        app = web.Application()
        app.router.add_get("/items/{number}", item)
        instrument(app, monitor)
    """,
}
SOLD = """
        from tsmon import Point

        class Sold(Point, measurement="sold"):
            pieces: int
"""

TESTS = """
    import asyncio
    import unittest

    import pytest
    from aiohttp.test_utils import TestClient as AiohttpClient, TestServer
    from starlette.testclient import TestClient

    import aiohttp_app
    import fastapi_app
    import flask_app
    from tsmon import Request
    from tsmon.testing import capture_points

    @pytest.mark.parametrize("number", range(6))
    def test_flask(tsmon, number):
        flask_app.app.test_client().get(f"/items/{number}")
        assert tsmon.one(Request).route == "GET:/items/<int:number>"
        assert tsmon.one(flask_app.Sold).pieces == number
        flask_app.monitor.flush(5)
        assert flask_app.monitor.counts.pending == 0

    @pytest.mark.parametrize("number", range(3))
    def test_fastapi_with_a_lifespan(tsmon, number):
        with TestClient(fastapi_app.app) as client:
            client.get(f"/items/{number}")
            assert fastapi_app.monitor.is_running
        assert tsmon.one(Request).service == "shop"
        assert tsmon.one(fastapi_app.Sold).pieces == number
        assert fastapi_app.monitor.counts.accepted == fastapi_app.monitor.counts.written

    @pytest.mark.parametrize("number", range(3))
    def test_fastapi_without(tsmon, number):
        client = TestClient(fastapi_app.app)
        client.get(f"/items/{number}")
        client.get("/nothing")
        assert [one.status_code for one in tsmon.points(Request)] == [200, 404]
        assert fastapi_app.monitor.is_running

    @pytest.mark.asyncio(loop_scope="session")
    @pytest.mark.parametrize("number", range(3))
    async def test_aiohttp(tsmon, number):
        async with AiohttpClient(TestServer(aiohttp_app.app)) as client:
            await client.get(f"/items/{number}")
        tsmon.one(Request, route="GET:/items/{number}")
        assert tsmon.one(aiohttp_app.Sold).pieces == number

    @pytest.mark.asyncio(loop_scope="session")
    @pytest.mark.parametrize("number", range(2))
    async def test_on_one_event_loop(tsmon, number):
        aiohttp_app.emit(aiohttp_app.Sold(pieces=number))
        await asyncio.sleep(0)
        assert tsmon.one(aiohttp_app.Sold).pieces == number

    def test_a_test_that_does_not_clean_up(tsmon):
        for _ in range(3):
            fastapi_app.monitor.start_in_background()
        fastapi_app.monitor.emit([])

    class UnittestWithTheFixture(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def use(self, tsmon):
            self.tsmon = tsmon

        def test_it(self):
            flask_app.app.test_client().get("/items/1")
            assert self.tsmon.one(Request).status_code == 200

    class PlainUnittest(unittest.TestCase):
        def setUp(self):
            self.emitted = self.enterContext(capture_points())

        def test_it(self):
            flask_app.app.test_client().get("/items/1")
            assert self.emitted.one(Request).status_code == 200

    @pytest.mark.usefixtures("tsmon")
    class TestClass:
        def test_it(self, tsmon):
            assert len(tsmon) == 0

    def test_afterwards_nothing_runs_that_did_not_before():
        assert flask_app.monitor.is_running
        assert not fastapi_app.monitor.is_running
        assert not aiohttp_app.monitor.is_running
        for app in (flask_app, fastapi_app, aiohttp_app):
            assert app.monitor.counts.accepted == 0
"""
NUMBER = 22

NOTE_POINTS = """
    import flask_app
    import json
    import os
    from pathlib import Path

    def pytest_sessionfinish(session):
        counts = flask_app.monitor.counts
        files = [str(file) for file in Path("data").rglob("*") if file.is_file()]
        name = os.environ.get("PYTEST_XDIST_WORKER", "main")
        Path(f"noted-{name}.json").write_text(json.dumps([counts.accepted, files]))
"""


@pytest.fixture(autouse=True)
def only_the_plugins_that_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "tsmon.testing.plugin,pytest_asyncio.plugin,xdist.plugin")


def make_project(pytester: pytest.Pytester, monitoring: str) -> None:
    pytester.makefile(".toml", tsmon=f"[monitoring]\nflushing_period = 0.01\n{monitoring}")
    pytester.makepyfile(**{name: SOLD + source for name, source in APPLICATIONS.items()})
    pytester.makepyfile(test_shop=TESTS)
    pytester.makeconftest(NOTE_POINTS)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "ignore", *arguments)


def noted(pytester: pytest.Pytester) -> list[list[object]]:
    return [json.loads(file.read_text()) for file in sorted(pytester.path.glob("noted-*.json"))]


def rows(pytester: pytest.Pytester) -> str:
    """The lines that a store has, read in a process of its own."""
    code = "import asyncio; from tsmon.settings import load_settings; from tsmon.stores.factory import store_from"
    program = pytester.makepyfile(
        rows=f"""
        {code}
        from tsmon.stores import Selector

        async def main():
            async with store_from(load_settings().monitoring) as store:
                for measurement, field in (("requests", "execution_time"), ("sold", "pieces")):
                    selector = Selector(measurement, field)
                    print(len(await store.bins(selector, start_ns=0, stop_ns=2**62, every_ns=2**61)))

        asyncio.run(main())
        """
    )
    return pytester.run(sys.executable, program).stdout.str()


def test_with_the_embedded_store(pytester: pytest.Pytester) -> None:
    make_project(pytester, 'store = "sqlite"\nfile = "data/metrics.db"')
    run(pytester).assert_outcomes(passed=NUMBER)
    assert noted(pytester)[0][0] == 0
    assert rows(pytester).split() == ["0", "0"]


def test_with_xdist_and_a_server_that_does_not_exist(pytester: pytest.Pytester) -> None:
    server = ['url = "http://127.0.0.1:1"', 'token = "t"', 'bucket = "b"', 'spool_directory = "data/spool"']
    make_project(pytester, "\n".join(server))
    result = run(pytester, "-n", "2")
    result.assert_outcomes(passed=NUMBER)
    assert "unavailable" not in result.stdout.str()
    assert [accepted for accepted, _ in noted(pytester)] == [0, 0, 0]


def test_switched_off_for_the_whole_run_nothing_is_ever_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSMON_MONITORING__ENABLED", "false")
    make_project(pytester, 'store = "sqlite"\nfile = "data/metrics.db"')
    run(pytester).assert_outcomes(passed=NUMBER)
    assert noted(pytester) == [[0, []]]
    assert not (pytester.path / "data").exists()
    assert list(Path(pytester.path).glob("*.db")) == []
