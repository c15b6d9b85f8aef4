"""A Monitor in programs that gevent has patched: its thread is a real one, and their greenlets run on meanwhile."""

import socket
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon.monitor.test_exits import Program, ask_until_end, requests_of

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


@pytest.fixture
def program(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> Program:
    made = Program(tmp_path, influxdb, bucket)
    # So that the name is looked up.
    made.environment["TSMON_MONITORING__URL"] = influxdb.url.replace("127.0.0.1", "localhost")
    return made


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_patched_program(program: Program, influxdb: InfluxDB, bucket: str, way: list[str]) -> None:
    text = "\n".join([*(STEPS[step] for step in way), PROGRAM])
    process = program.start("-c", text)
    output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, output[-5_000:]
    assert "lost" not in output
    assert stored(influxdb, bucket) == list(range(2_002))


def test_forked_children_of_a_patched_program(program: Program, influxdb: InfluxDB, bucket: str) -> None:
    process = program.start(
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
    program: Program, influxdb: InfluxDB, bucket: str, options: list[str]
) -> None:
    (program.directory / "service.py").write_text(SERVICE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = program.start(
        "-m", "gunicorn", "service:app", "--worker-class", "gevent", "--workers", "2",
        "--bind", f"127.0.0.1:{port}", "--no-control-socket", *options,
    )  # fmt: skip

    answers, output = await ask_until_end(process, port, 200)
    assert answers == list(range(0, 400, 2))
    assert "lost" not in output
    assert requests_of(influxdb, bucket) == sorted(f"id {n}" for n in range(200)), output
