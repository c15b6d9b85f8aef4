"""A Monitor in programs that gevent has patched: its thread is a real one, and their greenlets run on meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon_agent.waiting import eventually

WAIT_S = 60.0

WAYS = {
    "patched first": ["PATCH", "IMPORT", "CREATE", "START"],
    "tsmon imported first": ["IMPORT", "PATCH", "CREATE", "START"],
    "Monitor created first": ["IMPORT", "CREATE", "PATCH", "START"],
    "Monitor started first": ["IMPORT", "CREATE", "START", "PATCH"],
}
STEPS = {
    "PATCH": "from gevent import monkey; monkey.patch_all()",
    "IMPORT": "import asyncio, logging, sys, threading, time, tsmon; from tests.services.points import Numbered",
    "CREATE": "monitor = tsmon.Monitor()",
    "START": "background = monitor.start_in_background()",
}
PROGRAM = """
import gevent

real = monkey.get_original("_thread", "get_ident")
log = logging.getLogger("tsmon")
log.addHandler(logging.StreamHandler(sys.stderr))
log.setLevel("INFO")
main = real()
times = []

class Source:
    threads = set()
    def collect(self):
        self.threads.add(real())
        log.info("of the thread")
        return []
    def forget(self): pass
    def hold_nothing(self): pass

def look():
    while True:
        times.append(time.monotonic())
        gevent.sleep(0.001)

def emit(first):
    for n in range(first, first + 100):
        background.emit(Numbered(n=n))
        log.info("of a greenlet")
        gevent.sleep(0)

async def own():
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        return await asyncio.to_thread(lambda: "of its own")

source = Source()
background.add_source(source)
background.set_flush_period(0.005)
gevent.spawn(look)
greenlets = [gevent.spawn(emit, first) for first in range(0, 2_000, 100)]
greenlets += [gevent.spawn(background.flush, 20) for _ in range(10)]
assert asyncio.run(own()) == "of its own"
gevent.joinall(greenlets, raise_error=True)
background.flush(20)
assert asyncio.run(own()) == "of its own"
assert background.counts.written == 2_000, background.counts
assert source.threads and main not in source.threads, source.threads
with gevent.Timeout(20):
    gevent.joinall([gevent.spawn(background.stop) for _ in range(3)], raise_error=True)
background.start()
background.emit(Numbered(n=2_000))
ticks = len(times)
background.flush(20)
assert len(times) > ticks
background.emit(Numbered(n=2_001))  # It is sent at the exit.
"""


class Programs:
    """Programs that write to the bucket of the test."""

    def __init__(self, influxdb: InfluxDB, bucket: str, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "TSMON_MONITORING__URL": influxdb.url.replace("127.0.0.1", "localhost"),
            "TSMON_MONITORING__ORGANIZATION": influxdb.org,
            "TSMON_MONITORING__BUCKET": bucket,
            "TSMON_MONITORING__TOKEN": influxdb.token,
            "TSMON_MONITORING__FLUSHING_PERIOD": "30",
            "TSMON_MONITORING__SPOOL_DIRECTORY": str(directory / "spool"),
            "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{directory}",
        }

    def start(self, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def programs(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> Programs:
    return Programs(influxdb, bucket, tmp_path)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_patched_program(programs: Programs, influxdb: InfluxDB, bucket: str, way: list[str]) -> None:
    program = "\n".join([*(STEPS[step] for step in way), PROGRAM])
    process = programs.start("-c", program)
    output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, output[-5_000:]
    assert "lost" not in output
    assert stored(influxdb, bucket) == list(range(2_002))


def test_forked_children_of_a_patched_program(programs: Programs, influxdb: InfluxDB, bucket: str) -> None:
    process = programs.start(
        "-c",
        """
from gevent import monkey
monkey.patch_all()
import os, sys, tsmon
from tests.services.points import Numbered

monitor = tsmon.Monitor().start_in_background()
monitor.emit(Numbered(n=0))
for child in range(1, 3):
    if (pid := os.fork()) == 0:
        for n in range(100):
            monitor.emit(Numbered(n=100 * child + n))
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
""",
    )
    output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, output
    assert stored(influxdb, bucket) == [0, *range(100, 300)]


SERVICE = """
import asyncio, gevent.lock
from flask import Flask
from tsmon import Monitor
from tsmon.integrations.wsgi import RequestMiddleware

app = Flask(__name__)

async def double(n):
    await asyncio.sleep(0.01)
    return 2 * n

turn = gevent.lock.RLock()  # Two greenlets of a thread cannot have an event loop each.

@app.get("/<int:n>")
def answer(n):
    if n % 10:
        return str(2 * n)
    with turn:
        return str(asyncio.run(double(n)))

monitor = Monitor(service="numbers").start_in_background()
app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)
"""


@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["loaded by workers", "preloaded"])
async def test_gunicorn_with_workers_of_gevent(
    programs: Programs, influxdb: InfluxDB, bucket: str, options: list[str]
) -> None:
    (programs.directory / "service.py").write_text(SERVICE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = programs.start(
        "-m", "gunicorn", "service:app", "--worker-class", "gevent", "--workers", "2",
        "--bind", f"127.0.0.1:{port}", "--no-control-socket", *options,
    )  # fmt: skip

    def ask(n: int) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{n}", headers={"X-Request-ID": f"id {n}"})
        with urllib.request.urlopen(request, timeout=10.0) as answer:
            return int(answer.read())

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        await eventually(listens)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(200))) == list(range(0, 400, 2))
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, output
    assert "lost" not in output
    query = (
        f'from(bucket: "{bucket}") |> range(start: 0) '
        '|> filter(fn: (r) => r._measurement == "requests" and r._field == "request_id")'
    )
    assert sorted(row["_value"] for row in influxdb.flux(query)) == sorted(f"id {n}" for n in range(200)), output
