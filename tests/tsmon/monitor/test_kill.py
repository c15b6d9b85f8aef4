"""Services that are killed: what the spool acknowledged reaches the server, once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

KILLS = int(os.environ.get("TSMON_TEST_KILLS", "10"))
PAUSE_S = float(os.environ.get("TSMON_TEST_PAUSE_S", "1"))

SERVICE = """
import asyncio, json, sys
from collections import deque
from tests.services.points import Numbered
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

async def main():
    first = int(sys.argv[2])
    async with Monitor(MonitoringSettings.model_validate(json.loads(sys.argv[1]))) as monitor:
        number, emitted, safe = first, deque(), 0
        while True:
            for _ in range(20):
                monitor.emit(Numbered(n=number))
                number += 1
            emitted.append((monitor.sequence, number))
            await asyncio.sleep(0.001)
            while emitted and emitted[0][0] <= monitor.durable_sequence:
                safe = emitted.popleft()[1]
            if safe:
                print(safe, flush=True)
                safe = 0

asyncio.run(main())
"""


def started(options: dict[str, object], first: int) -> "subprocess.Popen[str]":
    """A service that emits numbers from ``first`` on, and prints up to which they are safe."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, json.dumps(options), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


def settings(influxdb: InfluxDB, bucket: str, spool: Path) -> dict[str, object]:
    return {
        "url": influxdb.url,
        "organization": influxdb.org,
        "bucket": bucket,
        "token": influxdb.token,
        "spool": "required",
        "spool_directory": str(spool),
        "flushing_period": 0.02,
        "self_metrics_period": 0.05,
    }


async def test_a_service_that_is_paused_goes_on(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> None:
    options = settings(influxdb, bucket, tmp_path)
    with started(options, 0) as service:
        assert service.stdout is not None
        for _ in range(10):
            int(service.stdout.readline())
        service.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE_S)
        service.send_signal(signal.SIGCONT)
        for _ in range(30):
            last = int(service.stdout.readline())
        service.kill()
        last = max([last, *map(int, service.stdout)])
    async with Monitor(MonitoringSettings.model_validate(options | {"self_metrics_period": 0})) as monitor:
        await monitor.flush(60.0)
        assert (monitor.counts.pending, monitor.counts.dropped) == (0, 0)
    found = stored(influxdb, bucket)
    assert found[:last] == list(range(last))
    assert len(found) == len(set(found))


async def test_every_acknowledged_point_is_stored_once(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> None:
    draw = random.Random(7)
    options = settings(influxdb, bucket, tmp_path)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS):
        with started(options, first) as service:
            assert service.stdout is not None
            last = first
            for _ in range(draw.randint(1, 25)):
                last = int(service.stdout.readline())
            service.kill()
            last = max([last, *map(int, service.stdout)])
        acknowledged |= set(range(first, last))
        first += 1_000_000
    async with Monitor(MonitoringSettings.model_validate(options | {"self_metrics_period": 0})) as monitor:
        await eventually(lambda: monitor.counts.pending == 0)
        counts = monitor.counts
        assert counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped
        assert counts.dropped == 0
    found = stored(influxdb, bucket)
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert acknowledged
    assert not list(tmp_path.rglob("*.seg"))
