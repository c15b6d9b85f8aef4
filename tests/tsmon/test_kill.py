"""Services that are killed: what the spool acknowledged reaches the server, once."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

KILLS = int(os.environ.get("TSMON_TEST_KILLS", "10"))

SERVICE = """
import asyncio, json, sys
from tests.services.points import Numbered
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

async def main():
    first = int(sys.argv[2])
    async with Monitor(MonitoringSettings.model_validate(json.loads(sys.argv[1]))) as monitor:
        number, said = first, 0
        while True:
            for _ in range(20):
                monitor.emit(Numbered(n=number))
                number += 1
            await asyncio.sleep(0.001)
            if monitor.durable_sequence > said:
                said = monitor.durable_sequence
                print(first + said, flush=True)

asyncio.run(main())
"""


def settings(influxdb: InfluxDB, bucket: str, spool: Path) -> dict[str, object]:
    return {
        "url": influxdb.url,
        "organization": influxdb.org,
        "bucket": bucket,
        "token": influxdb.token,
        "spool": "required",
        "spool_directory": str(spool),
        "flushing_period": 0.02,
    }


async def test_every_acknowledged_point_is_stored_once(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> None:
    draw = random.Random(7)
    options = settings(influxdb, bucket, tmp_path)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS):
        service = subprocess.Popen(
            [sys.executable, "-c", SERVICE, json.dumps(options), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert service.stdout is not None
        last = first
        for _ in range(draw.randint(1, 25)):
            last = int(service.stdout.readline())
        service.send_signal(signal.SIGKILL)
        service.wait()
        for line in service.stdout:
            last = int(line)
        service.stdout.close()
        acknowledged |= set(range(first, last))
        first += 1_000_000
    async with Monitor(MonitoringSettings.model_validate(options)) as monitor:
        await eventually(lambda: monitor.counts.pending == 0)
        counts = monitor.counts
        assert counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped
        assert counts.dropped == 0
    found = stored(influxdb, bucket)
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert acknowledged
    assert not list(tmp_path.rglob("*.seg"))
