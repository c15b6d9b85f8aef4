"""eventlet has no way to real threads: a Monitor says so in one sentence, and no program stands still or breaks."""

import os
import subprocess
import sys
from pathlib import Path

from tests.services.influxdb import InfluxDB
from tests.services.points import stored

SENTENCE = (
    "eventlet has replaced the threads of this program, so the Monitor cannot run in one of its own; "
    "call eventlet.monkey_patch(thread=False), or use gevent or threads instead"
)
PRELUDE = """
import warnings
warnings.simplefilter("ignore")
import asyncio, eventlet, os
from tests.services.own_store import OwnStore
from tests.services.points import Numbered
from tsmon import Monitor, TsmonError
"""
PATCH = "eventlet.monkey_patch()\n"


def run(program: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"EVENTLET_NO_GREENDNS": "yes", "PYTHONPATH": str(Path.cwd()), **variables}
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_start_in_a_thread_is_refused_in_one_sentence() -> None:
    done = run(
        PATCH
        + """
monitor = Monitor(store=OwnStore())
for start in (monitor.start_in_background, monitor.__enter__):
    try:
        start()
    except TsmonError as error:
        print(error)
monitor.emit(Numbered(n=1))
print(monitor.counts.pending)
"""
    )
    assert done.stdout.splitlines() == [SENTENCE, SENTENCE, "1"], done.stderr
    assert done.returncode == 0


def test_an_application_whose_loop_ends_serves_on_and_the_reason_is_logged() -> None:
    done = run(
        PATCH
        + """
store = OwnStore()
monitor = Monitor(store=store)

async def serve():
    await monitor.start()
    monitor.emit(Numbered(n=1))

asyncio.run(serve())
monitor.emit(Numbered(n=2))

async def serve_again():
    await monitor.start()
    monitor.emit(Numbered(n=3))
    await monitor.stop()

asyncio.run(serve_again())
print([line.split()[1] for line in store.lines], monitor.counts.pending)
"""
    )
    assert done.stdout.strip() == "['n=1i', 'n=2i', 'n=3i'] 0", done.stderr
    assert f"points wait in memory: {SENTENCE}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_forked_child_emits_without_an_error() -> None:
    done = run(
        """
monitor = Monitor(store=OwnStore()).start_in_background()
eventlet.monkey_patch()
if (child := os.fork()) == 0:
    monitor.emit(Numbered(n=1))
    print(monitor.counts.pending, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert done.stdout.strip() == "1", done.stderr
    assert f"points wait in memory: {SENTENCE}" in done.stderr


def test_the_remedy_works(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> None:
    done = run(
        """
eventlet.monkey_patch(thread=False)
with Monitor() as monitor:
    for n in range(100):
        monitor.emit(Numbered(n=n))
    monitor.flush(20)

    async def answer():
        await asyncio.sleep(0.001)
        return 42

    print(asyncio.run(answer()))
""",
        TSMON_MONITORING__URL=influxdb.url.replace("127.0.0.1", "localhost"),
        TSMON_MONITORING__ORGANIZATION=influxdb.org,
        TSMON_MONITORING__BUCKET=bucket,
        TSMON_MONITORING__TOKEN=influxdb.token,
        TSMON_MONITORING__SPOOL_DIRECTORY=str(tmp_path),
    )
    assert done.stdout.strip() == "42", done.stderr
    assert stored(influxdb, bucket) == list(range(100))
