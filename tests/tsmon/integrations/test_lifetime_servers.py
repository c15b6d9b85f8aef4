"""Real servers: they reload, and run on asyncio or on trio."""

import asyncio
import math
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore

REWRITE_S = 2.0
SERVER_START_S = 30.0


def test_a_server_that_reloads_records_before_and_after(tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text(
        f"""
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.settings import MonitoringSettings

async def hello(request):
    return PlainTextResponse("version 1")

monitor = Monitor(MonitoringSettings(store="sqlite", file={str(tmp_path / "metrics.db")!r}), service="reloaded")
app = RequestMiddleware(Starlette(routes=[Route("/hello", hello)]), monitor)
"""
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "reloaded:app", "--reload", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    def answers(text: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=5) as answer:
                return bool(answer.read().decode() == text)
        except OSError:
            return False

    try:
        eventually_served(lambda: answers("version 1"))
        changed = module.read_text().replace("version 1", "version 2")
        # The reloader sees a change only after it has looked at the file once.
        written = -math.inf

        def answers_after_change() -> bool:
            nonlocal written
            if time.monotonic() - written > REWRITE_S:
                module.write_text(changed)
                written = time.monotonic()
            return answers("version 2")

        eventually_served(answers_after_change)
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert "Traceback" not in log
    assert asyncio.run(count_requests(tmp_path / "metrics.db")) >= 2


MONITOR = """
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.settings import MonitoringSettings

monitor = Monitor(MonitoringSettings(store="sqlite", file="metrics.db", flushing_period=1e6), service="served")
"""
QUART = """
import asyncio
from quart import Quart

app = Quart(__name__)

@app.get("/hello")
async def hello():
    await asyncio.sleep(0)
    return "hello"

app.asgi_app = RequestMiddleware(app.asgi_app, monitor)
"""
STARLETTE_ON_TRIO = """
import trio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def hello(request):
    await trio.sleep(0)
    return PlainTextResponse("hello")

app = RequestMiddleware(Starlette(routes=[Route("/hello", hello)]), monitor)
"""


@pytest.mark.parametrize(("worker", "application"), [("asyncio", QUART), ("trio", STARLETTE_ON_TRIO)])
def test_hypercorn_records_with_both_of_its_loops(tmp_path: Path, worker: str, application: str) -> None:
    (tmp_path / "served.py").write_text(MONITOR + application)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "hypercorn", "served:app", "-k", worker, "-b", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    served = 0

    def answers() -> bool:
        nonlocal served
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=5) as answer:
                served += 1
                return bool(answer.read() == b"hello")
        except OSError:
            return False

    try:
        eventually_served(answers)
        for _ in range(20):
            assert answers()
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert "Traceback" not in log
    assert "Monitor" not in log
    assert asyncio.run(count_requests(tmp_path / "metrics.db")) == served


async def count_requests(file: Path) -> int:
    async with SqliteStore(file, read_only=True) as store:
        found = await store.counts(Selector("requests", "execution_time"), start_ns=0, stop_ns=2**62)
        return sum(one.count for one in found)


def eventually_served(condition: Callable[[], bool]) -> None:
    """Wait until a server that has to start first does something."""
    deadline = time.monotonic() + SERVER_START_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
