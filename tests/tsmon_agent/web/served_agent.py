"""An agent with its pages, whose rounds a test publishes, and points for them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from tsmon.points import Point
from tsmon.points.host import Cpu, Disk, DiskIO, Memory, Network, Processes, Swap, System
from tsmon_agent.agent import Agent
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.web import WebServer

__all__ = [
    "GIB",
    "ServedAgent",
    "cpu",
    "disk",
    "diskio",
    "eventually",
    "memory",
    "net",
    "round_of",
    "system",
]

GIB = 2**30
HOST = "athena"


class ServedAgent:
    """An agent with its pages, and a client for them."""

    def __init__(self, agent: Agent, server: WebServer, client: aiohttp.ClientSession) -> None:
        self.agent = agent
        self.context = agent.context
        self.server = server
        self.client = client

    @property
    def address(self) -> str:
        return self.server.address

    def publish(self, sampler: str, *points: Point, time_ns: int | None = None) -> None:
        """Publish a round of a sampler, as after a real one."""
        self.context.live.publish(round_of(sampler, *points, time_ns=time_ns))

    def publish_all(self, *, busy: float = 12.5) -> None:
        """A round of every sampler."""
        self.publish("cpu", cpu(busy))
        self.publish("mem", memory(used=3 * GIB))
        self.publish("system", system())
        self.publish("swap", Swap(host=HOST, total=2 * GIB, used=GIB // 2, free=3 * GIB // 2, used_percent=25.0))
        self.publish("processes", processes())
        self.publish("disk", disk("/", 45.0), disk("/home", 91.5))
        self.publish("net", net("eth0", received=5 * GIB, sent=GIB))
        self.publish("diskio", diskio("vda", read=GIB, written=2 * GIB))

    async def store(self, *points: Point) -> None:
        """Put points into the store."""
        self.context.monitor.emit(points)
        await self.context.monitor.flush(5)

    async def finish_upkeep(self) -> None:
        """Wait until the round of freshness that a change has requested is over."""
        await self.agent._freshness_round.wait()

    async def get_json(self, path: str, status: int = 200) -> Any:
        async with self.client.get(path) as response:
            assert response.status == status, await response.text()
            assert response.content_type == "application/json"
            return await response.json()

    async def get_text(self, path: str, status: int = 200) -> str:
        async with self.client.get(path) as response:
            assert response.status == status
            return await response.text()


def round_of(sampler: str, *points: Point, time_ns: int | None = None) -> Round:
    time_ns = time.time_ns() if time_ns is None else time_ns
    return Round(sampler, time_ns, [msgspec.structs.replace(point, time=time_ns) for point in points])


async def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait until a condition holds; fails after a while."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


def cpu(busy: float, *, name: str = "cpu-total", time: int | None = None) -> Cpu:
    """A processor that is busy for this percentage of time, two thirds of it in programs."""
    return Cpu(
        time=time,
        host=HOST,
        cpu=name,
        usage_user=busy * 2 / 3,
        usage_system=busy / 3,
        usage_idle=100 - busy,
        usage_nice=0.0,
        usage_iowait=0.0,
        usage_irq=0.0,
        usage_softirq=0.0,
        usage_steal=0.0,
        usage_guest=0.0,
        usage_guest_nice=0.0,
    )


def memory(*, used: int, total: int = 8 * GIB, time: int | None = None) -> Memory:
    free = total - used - 2 * GIB
    return Memory(
        time=time,
        host=HOST,
        total=total,
        used=used,
        free=free,
        cached=GIB,
        buffered=GIB,
        available=total - used,
        used_percent=100 * used / total,
    )


def system(*, load5: float = 0.5, n_cpus: int = 4, time: int | None = None) -> System:
    return System(
        time=time, host=HOST, load1=0.25, load5=load5, load15=0.75, n_cpus=n_cpus, uptime=93_784, n_users=2
    )


def processes() -> Processes:
    return Processes(
        host=HOST,
        running=2,
        sleeping=100,
        blocked=0,
        zombies=1,
        stopped=0,
        dead=0,
        paging=0,
        idle=10,
        parked=0,
        unknown=0,
        total=113,
        total_threads=1_234,
    )


def disk(path: str, used_percent: float, *, time: int | None = None, mode: str = "rw") -> Disk:
    used = int(used_percent * GIB)
    return Disk(
        time=time,
        host=HOST,
        path=path,
        device="vda1",
        fstype="ext4",
        mode=mode,
        total=100 * GIB,
        used=used,
        free=100 * GIB - used,
        used_percent=used_percent,
    )


def net(interface: str, *, received: int, sent: int, time: int | None = None) -> Network:
    return Network(
        time=time,
        host=HOST,
        interface=interface,
        bytes_recv=received,
        bytes_sent=sent,
        packets_recv=0,
        packets_sent=0,
        err_in=0,
        err_out=0,
        drop_in=0,
        drop_out=0,
    )


def diskio(name: str, *, read: int, written: int, time: int | None = None) -> DiskIO:
    return DiskIO(
        time=time,
        host=HOST,
        name=name,
        reads=1,
        writes=1,
        read_bytes=read,
        write_bytes=written,
        read_time=0,
        write_time=0,
        io_time=0,
        weighted_io_time=0,
        iops_in_progress=0,
        merged_reads=0,
        merged_writes=0,
    )
