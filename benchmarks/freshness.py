"""CPU time of a round of freshness over thousands of expected streams, in both stores.

Each stream is a series of one measurement, with data at its own rate, from one per second to one per six hours; new
data arrive before each round. A round queries the newest data of all streams once, and from time to time their
rates, over windows from ten minutes to ten days. Rounds are a minute apart. ``cpu_s`` is the mean CPU time of this
process alone, ``worst_cpu_s`` that of the most expensive round, ``first_cpu_s`` that of the first round, before
anything is known; ``seconds`` is the mean wall time, which includes the work of the server. Writing and rolling up
new data do not count.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.command_line import build_parser, run_benchmark
from benchmarks.result import BenchmarkResult, Row
from benchmarks.server import Server
from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import SECOND_NS
from tsmon_agent.cli.run import GARBAGE
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.streams.freshness import FreshnessWatch
from tsmon_agent.streams.freshness.rounds import MOST_RATES
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

__all__ = ["main", "measure"]

STREAMS: Final = 10_000
ROUNDS: Final = 15
PERIODS_S: Final = (1, 150, 900, 3_600, 21_600)
"""Seconds between two data of a stream; each needs a different window."""

WINDOWS_S: Final = (600, 3_600, 21_600, 86_400, 864_000)
MINUTE_S: Final = 60
LINES: Final = 50_000


def measure(server: Server, streams: int = STREAMS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Cost of a round over ``streams``, as the agent runs it."""
    gc.set_threshold(*GARBAGE)
    rows: list[Row] = [
        {"name": "tsmon, InfluxDB", "streams": streams, **asyncio.run(_influxdb(server, streams, rounds))},
        {"name": "tsmon, SQLite", "streams": streams, **asyncio.run(_sqlite(streams, rounds))},
    ]
    return BenchmarkResult("freshness", rows)


async def _influxdb(server: Server, streams: int, rounds: int) -> dict[str, float]:
    async def nothing() -> None:
        """The server needs no upkeep."""

    bucket = server.new_bucket()
    try:
        connection = InfluxConnection(url=server.url, org=server.org, bucket=bucket.name, token=server.token)
        async with InfluxStore(connection) as store:
            return await _rounds(store, streams, rounds, nothing)
    finally:
        bucket.drop()


async def _sqlite(streams: int, rounds: int) -> dict[str, float]:
    with TemporaryDirectory() as directory:
        async with SqliteStore(Path(directory) / "tsmon.db", tiers=DEFAULT_TIERS) as store:
            return await _rounds(store, streams, rounds, store.refresh_rollups)


async def _rounds(
    store: Store, streams: int, rounds: int, upkeep: Callable[[], Awaitable[object]]
) -> dict[str, float]:
    start_s = time.time_ns() // SECOND_NS - MINUTE_S * rounds
    names = [f"CE{n:05d}-SENSOR" for n in range(streams)]
    table = "".join(f"{name},streamed,ctd,{1 / _period_s(n)},43200,86400\n" for n, name in enumerate(names))
    deployed = "".join(f"{name},1,2000-01-01,\n" for name in names)
    await _write(store, names, start_s - WINDOWS_S[-1], start_s)
    await upkeep()
    with TemporaryDirectory() as directory:
        async with State(Path(directory) / "state.db") as state:
            rows = parse_stream_csv(table, Settings(), source="expected")
            await state.run(lambda session: load_streams(session, rows))
            deployments = parse_deployment_csv(deployed, source="deployed")
            await state.run(lambda session: load_deployments(session, deployments))
            watch = FreshnessWatch(state, 900 * SECOND_NS)
            cpus, walls = [], []
            for number in range(rounds + 1):
                now_s = start_s + number * MINUTE_S
                if number:
                    await _write(store, names, now_s - MINUTE_S, now_s)
                    await upkeep()
                cpu, wall = time.process_time(), time.perf_counter()
                await watch.update(store, now_s * SECOND_NS, most_rates=MOST_RATES)
                cpus.append(time.process_time() - cpu)
                walls.append(time.perf_counter() - wall)
            if {one.status.label for one in watch.streams} != {"operational"}:
                raise RuntimeError("not every stream was found")
            if any(
                one.rate is None or not 0.9 < one.rate * _period_s(n) < 1.1 for n, one in enumerate(watch.streams)
            ):
                raise RuntimeError("not every stream has its rate")
            return {
                "cpu_s": sum(cpus[1:]) / rounds,
                "worst_cpu_s": max(cpus[1:]),
                "first_cpu_s": cpus[0],
                "seconds": sum(walls[1:]) / rounds,
            }


def _period_s(stream: int) -> int:
    return PERIODS_S[stream % len(PERIODS_S)]


async def _write(store: Store, names: list[str], start_s: int, stop_s: int) -> None:
    """Write the data of this period, for each stream as much as the window of its rate needs."""
    lines = []
    for n, name in enumerate(names):
        period_s = _period_s(n)
        low_s = max(start_s, stop_s - WINDOWS_S[n % len(WINDOWS_S)])
        for time_s in range(-(-low_s // period_s) * period_s, stop_s, period_s):
            lines.append(
                f"ctd,reference_designator={name},method=streamed,host=h{n % 50} value=1 {time_s * SECOND_NS}"
            )
            if len(lines) == LINES:
                await store.write("\n".join(lines).encode())
                lines.clear()
    if lines:
        await store.write("\n".join(lines).encode())


def main() -> None:
    """Measure and print the result."""
    parser = build_parser("freshness", __doc__)
    parser.add_argument("--streams", type=int, default=STREAMS, help="expected streams (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each (default: %(default)s)")
    arguments = parser.parse_args()
    run_benchmark(arguments, lambda server: measure(server, arguments.streams, arguments.rounds))


if __name__ == "__main__":
    main()
