"""Everything that goes wrong on the way to a server, in any order, with each mode of the spool."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import Numbered, stored
from tests.services.proxy import Fault, Proxy, Seen, proxy_to
from tsmon import Monitor, Point
from tsmon.delivery.backoff import Backoff
from tsmon.delivery.dead_letters import DeadLetter
from tsmon.settings import MonitoringSettings

WAIT_S = 60.0
POINTS = 3_000
LARGE = 2_500
"""Bytes of a request that are too many for the proxy."""

FAULTS = [
    None,
    None,
    None,
    Fault(401, '{"code":"unauthorized","message":"unauthorized access"}'),
    Fault(404, '{"code":"not found","message":"bucket not found"}'),
    Fault(429, headers={"Retry-After": "0"}),
    Fault(500, '{"code":"internal error","message":"disk"}'),
    Fault(503, forward=True),
    Fault(reset=True),
    Fault(reset=True, forward=True),
    Fault(reset=True, body_bytes=500),
]


class Misnumbered(Point, measurement="numbered"):
    """Refused by the server, where the field is an integer."""

    n: str


@pytest.fixture
async def proxy(influxdb: InfluxDB) -> AsyncIterator[Proxy]:
    async with proxy_to(influxdb.port) as opened:
        yield opened


@pytest.mark.parametrize("spool", ["off", "on", "required"])
async def test_every_point_is_stored_once_or_kept_with_the_reason(
    influxdb: InfluxDB, bucket: str, proxy: Proxy, tmp_path: Path, spool: str
) -> None:
    draw = random.Random(11)
    settings = MonitoringSettings.model_validate(
        {
            "url": proxy.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token": influxdb.token,
            "spool": spool,
            "spool_directory": str(tmp_path),
            "flushing_period": 0.01,
            "batch_lines": 50,
        }
    )

    def rule(seen: Seen) -> Fault | None:
        return Fault(413) if len(seen.body) > LARGE else draw.choice(FAULTS)

    monitor = Monitor(settings)
    monitor._pipeline._delivery._backoff = Backoff(0.001, 0.01)
    bad = {n for n in range(1, POINTS) if draw.random() < 0.01}
    async with monitor:
        monitor.emit(Numbered(n=0))
        await monitor.flush(WAIT_S)
        proxy.rule = rule
        for n in range(1, POINTS):
            monitor.emit(Misnumbered(n=str(n)) if n in bad else Numbered(n=n))
            counts = monitor.counts
            assert counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped
            if n % 20 == 0:
                await asyncio.sleep(0.002)
        await monitor.flush(WAIT_S)
        counts = monitor.counts
        assert (counts.accepted, counts.written, counts.pending) == (POINTS, POINTS - len(bad), 0)
        assert counts.dropped_by == {"rejected": len(bad)}
        assert monitor.durable_sequence == POINTS
    assert stored(influxdb, bucket) == [n for n in range(POINTS) if n not in bad]
    [file] = (tmp_path / "dead_letters").iterdir()
    letters = [msgspec.json.decode(one, type=DeadLetter) for one in file.read_bytes().splitlines()]
    assert sorted(int(letter.line.split('"')[1]) for letter in letters) == sorted(bad)
    assert all("field type conflict" in letter.reason for letter in letters)
    assert not list(tmp_path.rglob("*.seg"))
