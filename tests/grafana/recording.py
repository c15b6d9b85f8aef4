"""What the dashboards show in the tests: this host's real figures, and requests whose numbers are known."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tests.grafana.interpolation import Range
from tests.services.influxdb import InfluxDB
from tsmon import Monitor, StreamBin, StreamFreshness, Tag
from tsmon.delivery.accounting import Counts
from tsmon.points import Point, Request, RequestError
from tsmon.points.host import System
from tsmon.points.self_metrics import AgentCounts, SamplerRound
from tsmon.settings import MonitoringSettings
from tsmon_agent.host.samplers import Sampler
from tsmon_agent.host.sampling.from_settings import build_samplers
from tsmon_agent.settings import AgentSettings
from tsmon_agent.streams.freshness.statuses import FreshnessStatus

__all__ = ["HOST", "INSTRUMENTS", "OLD_HOST", "OTHER_HOSTS", "ROUTES", "Recording", "record"]

HOST: Final = "node.1"
OTHER_HOSTS: Final = ("node-1", "node.10")
"""What ``node.1`` would match too, were it not escaped, and were it only the beginning."""
OLD_HOST: Final = "retired"
"""One that wrote long before the range; the server looks for values in whole shards, which span days."""
ROUTES: Final = ("GET:/version", "POST:/faces/{face_id}", "GET:/a+b")
INSTRUMENTS: Final = ("CE01ISSM-MFD37-03-CTDBPC000", "GP03FLMA-RIS01-01-FLORTD000")
SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
ROUNDS: Final = 3
ROUND_S: Final = 30
WAIT_S: Final = 20


class Rates(Point, measurement="stream_freshness"):
    """Rates of a stream beside its freshness."""

    reference_designator: Tag[str]
    method: Tag[str]
    stream: Tag[str]
    rate: float
    expected_rate: float


class Sample(Point, measurement="ctd_sample"):
    """A datum of a stream."""

    reference_designator: Tag[str]
    method: Tag[str]
    value: float


@dataclass(frozen=True)
class Recording:
    """A bucket that was written, and the range that holds all of it."""

    server: InfluxDB
    bucket: str
    span: Range


def record(server: InfluxDB, directory: Path) -> Recording:
    """Write some rounds of the agent's samplers, and requests of two services; ``directory`` is on a real disk."""
    stop_ns = time.time_ns() // (20 * SECOND) * 20 * SECOND
    start_ns = stop_ns - ROUNDS * ROUND_S * SECOND
    recording = Recording(server, server.new_bucket(), Range(start_ns, stop_ns))
    settings = MonitoringSettings(
        url=server.url, organization=server.org, bucket=recording.bucket, token=server.token
    )
    with Monitor(settings, service="faces") as monitor:
        for time_ns, points in _rounds(start_ns, directory):
            monitor.emit(points)
            monitor.emit(_pipeline(monitor.counts, time_ns))
        monitor.emit(_requests(start_ns))
        monitor.emit(_streams(start_ns))
        monitor.emit(_freshness(start_ns))
        monitor.emit(_system(host, start_ns) for host in OTHER_HOSTS)
        monitor.emit(_system(OLD_HOST, start_ns - 100 * DAY))
        monitor.flush(WAIT_S)
    return recording


def _rounds(start_ns: int, directory: Path) -> Iterator[tuple[int, list[Point]]]:
    """Real rounds of all samplers, with times as if the agent's interval had passed between them."""
    samplers = [sampler for sampler, _ in build_samplers(AgentSettings(host=HOST))]
    for sampler in samplers:
        sampler.prime()
    for number in range(ROUNDS):
        time_ns = start_ns + number * ROUND_S * SECOND
        _write_to_disk(directory)
        points: list[Point] = []
        for sampler in samplers:
            sampled = _sampled(sampler)
            points += [msgspec.structs.replace(point, time=time_ns) for point in sampled]
            points.append(
                SamplerRound(
                    time=time_ns, host=HOST, sampler=sampler.name, duration=0.01, points=len(sampled), errors=number
                )
            )
        yield time_ns, points


def _sampled(sampler: Sampler) -> list[Point]:
    """A round that has points: shares of the processors' time need a tick of the kernel's clock in between."""
    deadline = time.monotonic() + WAIT_S
    while not (points := sampler.sample()):
        assert time.monotonic() < deadline, f"the sampler {sampler.name} gave nothing within {WAIT_S} s"
    return points


def _system(host: str, time_ns: int) -> System:
    return System(host=host, load1=9.0, load5=9.0, load15=9.0, n_cpus=1, uptime=1, time=time_ns)


def _pipeline(counts: Counts, time_ns: int) -> AgentCounts:
    return AgentCounts.from_counts(counts, time=time_ns, host=HOST)


def _write_to_disk(directory: Path) -> None:
    with (directory / "written").open("ab") as file:
        file.write(os.urandom(4096))
        os.fsync(file.fileno())


def _streams(start_ns: int) -> list[Point]:
    """Of two instruments a datum a second, but for some seconds; and two bins of each."""
    points: list[Point] = []
    for site in INSTRUMENTS:
        names = {"reference_designator": site, "method": "streamed"}
        seconds = (*range(30), *range(50, 80))
        points += [Sample(**names, value=1.0, time=start_ns + second * SECOND) for second in seconds]
        points += [
            StreamBin(**names, stream="ctd", count=30, time=start_ns + second * SECOND, length=29 * SECOND)
            for second in (0, 50)
        ]
    return points


def _freshness(start_ns: int) -> list[Point]:
    """Of each instrument a stream at every level; told half an hour before the range as operational."""
    points: list[Point] = []
    for site in INSTRUMENTS:
        for level in FreshnessStatus:
            names = {"reference_designator": site, "method": "streamed", "stream": f"{level.name.lower()}_stream"}
            before = start_ns - 1800 * SECOND
            points += [
                StreamFreshness(**names, state=one.label, level=int(one), age=10.0 * one, time=time_ns)
                for one, time_ns in ((FreshnessStatus.OPERATIONAL, before), (level, start_ns + 40 * SECOND))
            ]
            points.append(Rates(**names, rate=0.5, expected_rate=1.0, time=start_ns + 40 * SECOND))
    return points


def _requests(start_ns: int) -> list[Point]:
    """For each route 40 requests, two a second, of which each fifth failed; half of them of another service."""
    points: list[Point] = []
    for number in range(40 * len(ROUTES)):
        route = ROUTES[number % len(ROUTES)]
        turn = number // len(ROUTES)
        service = "faces" if turn % 2 else "tasks"
        status, time_ns = (500 if turn % 5 == 0 else 200), start_ns + turn * SECOND // 2 + number
        identity = {"service": service, "route": route, "status_code": status, "request_id": str(number)}
        points.append(Request(execution_time=0.1 * (1 + number % 3), time=time_ns, **identity))
        if status == 500:
            points.append(RequestError(error_code=7, time=time_ns, **identity))
    return points
