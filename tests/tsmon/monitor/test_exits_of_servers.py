"""Servers and their workers with one file of the embedded store: all points are in it when the server has ended."""

import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.embedded import stored_in_file
from tests.tsmon.monitor.test_exits import JOBS
from tests.tsmon.monitor.test_processes_embedded import Program
from tests.tsmon_agent.waiting import eventually_sync

WAIT_S = 60.0
REQUESTS = 100

SERVICE = """
import asyncio, os
from tests.services.points import Numbered
from tsmon import Monitor

monitor = Monitor(service="numbers")
pids = set()

def count(path):
    n = int(path.strip("/"))
    monitor.emit(Numbered(n=n, text=str(os.getpid())))
    return path.encode()

async def asgi(scope, receive, send):
    if scope["type"] == "http":
        body = count(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
    else:
        raise ValueError("no lifespan")

def wsgi(environ, start_response):
    body = count(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

def start():
    from tsmon.integrations.asgi import RequestMiddleware
    return RequestMiddleware(asgi, monitor)
"""
AT_IMPORT = "monitor.start_in_background()\n"

SERVERS = {
    "uvicorn, started at import": (AT_IMPORT, "uvicorn service:asgi", -signal.SIGTERM),
    "uvicorn with workers, started at import": (AT_IMPORT, "uvicorn service:asgi --workers 2", 0),
    "uvicorn with workers, instrumented": ("", "uvicorn --factory service:start --workers 2", 0),
    "gunicorn sync": (AT_IMPORT, "gunicorn service:wsgi --workers 3", 0),
    "gunicorn with threads": (AT_IMPORT, "gunicorn service:wsgi --workers 2 --threads 3", 0),
    "gunicorn, started before the fork": (AT_IMPORT, "gunicorn service:wsgi --workers 3 --preload", 0),
    "gunicorn with workers of uvicorn": (
        AT_IMPORT,
        "gunicorn service:asgi --workers 2 --worker-class uvicorn_worker.UvicornWorker",
        0,
    ),
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_ends_by_sigterm(program: Program, server: str) -> None:
    start, command, code = SERVERS[server]
    (program.directory / "service.py").write_text(SERVICE + start)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bind = (
        ("--port", str(port)) if "uvicorn " in command else ("--bind", f"127.0.0.1:{port}", "--no-control-socket")
    )
    log = program.directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command.split(), *bind],
            cwd=program.directory,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def ask(n: int) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{n}", timeout=10.0) as answer:
            found: bytes = answer.read()
            return found

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually_sync(listens)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(REQUESTS))) == [b"/%d" % n for n in range(REQUESTS)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)
    told = log.read_text()
    assert process.returncode == code, told
    assert "lost" not in told
    program.check_stored(range(REQUESTS), told)


def test_celery_with_processes_that_are_forked_ahead(program: Program) -> None:
    (program.directory / "jobs.py").write_text(JOBS)
    log = program.directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "jobs", "worker", "--pool=prefork", "--concurrency=2"],
            cwd=program.directory,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        subprocess.run(
            [sys.executable, "-c", "import jobs\nfor n in range(20): jobs.count.delay(n)"],
            cwd=program.directory,
            env=program.environment,
            check=True,
            timeout=WAIT_S,
        )
        eventually_sync(lambda: len(list((program.directory / "done").iterdir())) == 20, WAIT_S)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)
    program.check_stored(range(20), log.read_text())


WITH_XDIST = """
import pytest
from tests.services.points import Numbered
from tsmon import Monitor

monitor = Monitor()
monitor.start_in_background()

@pytest.mark.parametrize("n", range(40))
def test_emits(n):
    monitor.emit(Numbered(n=n))
"""


def test_pytest_xdist(program: Program) -> None:
    (program.directory / "test_emitting.py").write_text(WITH_XDIST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "test_emitting.py"],
        cwd=program.directory,
        env=program.environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert "40 passed" in done.stdout
    assert stored_in_file(program.file) == list(range(40)), done.stdout + done.stderr
