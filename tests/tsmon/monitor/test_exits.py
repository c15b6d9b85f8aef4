"""However a program and its processes end, every point is stored once: at the end or, from the spool, later."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

WAIT_S = 60.0


class Program:
    """Programs with their settings in the environment, in a directory of the test's own."""

    def __init__(self, directory: Path, influxdb: InfluxDB, bucket: str) -> None:
        self.directory = directory
        self.options: dict[str, Any] = {
            "url": influxdb.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token": influxdb.token,
            "spool_directory": str(directory / "spool"),
        }
        self.environment = {
            **os.environ,
            **{f"TSMON_MONITORING__{key.upper()}": value for key, value in self.options.items()},
            "TSMON_MONITORING__FLUSHING_PERIOD": "30",
            "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{directory}",
        }

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text("from tests.services.points import Numbered\nfrom tsmon import Monitor\n" + text)
        return path

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

    def run(self, text: str) -> tuple[int, str]:
        process = self.start(str(self.write("program.py", text)))
        output, _ = process.communicate(timeout=WAIT_S)
        return process.returncode, output

    async def next_process(self) -> None:
        """What another one does that starts afterwards: it sends what it finds in the spool."""
        async with Monitor(MonitoringSettings.model_validate(self.options)) as monitor:
            await eventually(lambda: monitor.counts.pending == 0)
            assert monitor.counts.dropped == 0
        assert list(self.directory.rglob("*.seg")) == []


async def ask_until_end(process: "subprocess.Popen[str]", port: int, count: int) -> tuple[list[int], str]:
    """Answers of a server to requests ``id 0``, …, several at a time, and its output until SIGTERM ends it well."""

    def ask(n: int) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{n}", headers={"X-Request-ID": f"id {n}"})
        with urllib.request.urlopen(request, timeout=10.0) as answer:
            return int(answer.read())

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    answers: list[int] = []
    try:
        await eventually(listens)
        with ThreadPoolExecutor(8) as pool:
            answers += pool.map(ask, range(count))
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, output
    return answers, output


def requests_of(influxdb: InfluxDB, bucket: str) -> list[str]:
    """Identifiers of the requests that are stored, sorted."""
    query = (
        f'from(bucket: "{bucket}") |> range(start: 0) '
        '|> filter(fn: (r) => r._measurement == "requests" and r._field == "request_id")'
    )
    return sorted(row["_value"] for row in influxdb.flux(query))


@pytest.fixture
def program(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> Program:
    return Program(tmp_path, influxdb, bucket)


ENDS = {
    "no stop": "",
    "an exception": "    raise RuntimeError('own fault')",
    "sys.exit": "    sys.exit(0)",
    "cancellation inside flush()": """
    flush = asyncio.create_task(monitor.flush())
    await asyncio.sleep(0)
    flush.cancel()
    await flush
""",
    "an interrupt": "    os.kill(os.getpid(), signal.SIGINT)\n    await asyncio.sleep(10)",
    "a loop that is stopped": "    asyncio.get_running_loop().stop()\n    await asyncio.sleep(10)",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_a_program_whose_loop_ends(program: Program, influxdb: InfluxDB, bucket: str, end: str) -> None:
    _, output = program.run(
        f"""
import asyncio, os, signal, sys

async def main():
    monitor = Monitor()
    await monitor.start()
    for n in range(50):
        monitor.emit(Numbered(n=n))
{end}

asyncio.run(main())
"""
    )
    assert "are lost" not in output
    await program.next_process()
    assert stored(influxdb, bucket) == list(range(50)), output


METHODS = {
    "fork": "multiprocessing.get_context('fork').Process(target=work, args=(first,))",
    "forkserver": "multiprocessing.get_context('forkserver').Process(target=work, args=(first,))",
    "spawn": "multiprocessing.get_context('spawn').Process(target=work, args=(first,))",
}


@pytest.mark.parametrize("process", METHODS.values(), ids=METHODS.keys())
async def test_processes_of_multiprocessing(
    program: Program, influxdb: InfluxDB, bucket: str, process: str
) -> None:
    code, output = program.run(
        f"""
import multiprocessing

def work(first):
    # A forked child inherits the parent's; another one starts its own.
    used = monitor or Monitor().start_in_background()
    for n in range(first, first + 100):
        used.emit(Numbered(n=n))

monitor = None
if __name__ == "__main__":
    monitor = Monitor().start_in_background()
    monitor.emit(Numbered(n=0))
    processes = [{process} for first in (1_000, 2_000, 3_000)]
    for one in processes:
        one.start()
    monitor.emit(Numbered(n=1))
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0, 0, 0]
"""
    )
    assert code == 0, output
    await program.next_process()
    expected = [0, 1, *(n for first in (1_000, 2_000, 3_000) for n in range(first, first + 100))]
    assert stored(influxdb, bucket) == expected, output


async def test_a_pool_of_processes(program: Program, influxdb: InfluxDB, bucket: str) -> None:
    code, output = program.run(
        """
from concurrent.futures import ProcessPoolExecutor

monitor = Monitor().start_in_background()

def work(n):
    monitor.emit(Numbered(n=n))

if __name__ == "__main__":
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(work, range(200)))
"""
    )
    assert code == 0, output
    await program.next_process()
    assert stored(influxdb, bucket) == list(range(200)), output


async def test_gunicorn_with_several_aiohttp_workers_ends_by_sigterm(
    program: Program, influxdb: InfluxDB, bucket: str
) -> None:
    program.write(
        "service.py",
        """
from aiohttp import web
from tsmon.integrations.aiohttp import instrument

async def answer(request):
    return web.json_response(int(request.match_info["n"]))

async def application():
    app = web.Application()
    app.router.add_get("/{n}", answer)
    instrument(app, Monitor(service="numbers"))
    return app
""",
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = program.start(
        "-m", "gunicorn", "service:application", "--worker-class", "aiohttp.GunicornWebWorker",
        "--workers", "3", "--bind", f"127.0.0.1:{port}", "--no-control-socket",
    )  # fmt: skip

    answers, output = await ask_until_end(process, port, 300)
    assert answers == list(range(300))
    await program.next_process()
    assert requests_of(influxdb, bucket) == sorted(f"id {n}" for n in range(300)), output


JOBS = """
from pathlib import Path
from celery import Celery
from tests.services.points import Numbered
from tsmon import Monitor

here = Path(__file__).parent
for name in ("queue", "processed", "done"):
    (here / name).mkdir(exist_ok=True)
app = Celery("jobs", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": here / "queue", "data_folder_out": here / "queue", "control_folder": here / "control",
        "store_processed": False, "polling_interval": 0.02,
    },
    task_ignore_result=True, worker_hijack_root_logger=False, worker_prefetch_multiplier=1,
)
monitor = Monitor().start_in_background()

@app.task
def count(n):
    monitor.emit(Numbered(n=n))
    (here / "done" / str(n)).touch()
"""


async def test_celery_with_processes_that_are_forked_ahead(
    program: Program, influxdb: InfluxDB, bucket: str
) -> None:
    (program.directory / "jobs.py").write_text(JOBS)
    process = program.start(
        "-m", "celery", "-A", "jobs", "worker", "--pool=prefork", "--concurrency=2", "--without-gossip"
    )
    try:
        sending = program.start("-c", "import jobs\nfor n in range(20): jobs.count.delay(n)")
        told, _ = sending.communicate(timeout=WAIT_S)
        assert sending.returncode == 0, told
        await eventually(lambda: len(list((program.directory / "done").glob("*"))) == 20)
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=WAIT_S)
    await program.next_process()
    assert stored(influxdb, bucket) == list(range(20)), output
