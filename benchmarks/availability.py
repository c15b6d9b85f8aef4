"""Time of a report on gaps and sparsity of long streams, in both stores, compared with the obvious queries.

Streams have one datum per second, with an outage in the middle, in one deployment, so that the rules query about
1,000 windows, regardless of the length. ``report`` is computed by the library from the store's bins, ``computed in
Flux`` is the same report computed by the server. The obvious queries read every point and find only gaps: Flux's
``elapsed()`` and SQL's ``lag()``. The last rows are ten years of such a stream (315 million data), read from hourly
and daily rollups, which are written without the points. Figures are the best of some rounds. A ratio is the time of
the obvious query over that of the report, or over that of ``computed in Flux``.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.command_line import build_parser, run_benchmark
from benchmarks.result import BenchmarkResult, Row
from benchmarks.server import Server
from tsmon.availability import EXACT, Category, Deployment, Report, query_availability
from tsmon.availability.flux import compute_availability_in_influxdb
from tsmon.stores import Selector, Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import progress_line
from tsmon.stores.influxdb.rollups import RolledSpan, tier_bucket
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS, SECOND_NS

__all__ = ["main", "measure"]

POINTS: Final = (1_000_000, 10_000_000, 50_000_000)
ROUNDS: Final = 5
YEARS: Final = 10
BATCH: Final = 20_000

START_NS: Final = 1_000_000_000 * SECOND_NS // DAY_NS * DAY_NS
STREAM: Final = Selector("stream", "value")


def measure(server: Server, points: Sequence[int], rounds: int, years: int = YEARS) -> BenchmarkResult:
    """Time of each method, for each number of points."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}

    def add(store: str, size: str, windows: int, times: dict[str, float]) -> None:
        for way, seconds in times.items():
            name = f"{store}: {way}, {size}"
            rows.append({"name": name, "ms": 1e3 * seconds, "windows": windows})
            if "(" in way:
                ratios[name] = seconds / times["report"]
                if "computed in Flux" in times:
                    ratios[f"{name}, computed in Flux"] = seconds / times["computed in Flux"]

    for number in points:
        size = f"{number:,} points"
        add("InfluxDB", size, *asyncio.run(_influxdb(server, number, rounds)))
        add("SQLite", size, *asyncio.run(_sqlite(number, rounds)))
    add("InfluxDB", f"{years} years from rollups", *asyncio.run(_influxdb_from_rollups(server, years, rounds)))
    add("SQLite", f"{years} years from rollups", *asyncio.run(_sqlite_from_rollups(years, rounds)))
    return BenchmarkResult("availability", rows, ratios)


async def _influxdb(server: Server, points: int, rounds: int) -> tuple[int, dict[str, float]]:
    bucket = server.new_bucket()
    connection = InfluxConnection(
        url=server.url, org=server.org, bucket=bucket.name, token=server.token, timeout_s=600.0
    )
    try:
        async with InfluxStore(connection) as store:
            await _fill(store, points)
            end_ns = START_NS + points * SECOND_NS
            elapsed = (
                f'from(bucket: "{bucket.name}")\n'
                f"  |> range(start: time(v: {START_NS}), stop: time(v: {end_ns}))\n"
                '  |> filter(fn: (r) => r._measurement == "stream" and r._field == "value")\n'
                "  |> elapsed(unit: 1ns)\n"
                f"  |> filter(fn: (r) => r.elapsed > {points * SECOND_NS // 1000})\n"
            )
            windows, times = await _measure_store(store, points, rounds)
            deployments = [Deployment(1, START_NS, end_ns)]
            times["computed in Flux"] = await _best_time(
                rounds, lambda: compute_availability_in_influxdb(store, STREAM, deployments, now_ns=2 * end_ns)
            )
            times["elapsed()"] = await _best_time(min(rounds, 2), lambda: store.query(elapsed))
            return windows, times
    finally:
        bucket.drop()


async def _sqlite(points: int, rounds: int) -> tuple[int, dict[str, float]]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "tsmon.db"
        async with SqliteStore(file) as store:
            await _fill(store, points)
            windows, times = await _measure_store(store, points, rounds)
            limit_ns = points * SECOND_NS // 1000

            async def lag() -> None:
                with closing(sqlite3.connect(file)) as connection:
                    connection.execute(
                        "SELECT * FROM (SELECT time_ns, time_ns - lag(time_ns) OVER (ORDER BY time_ns) AS gap "
                        "FROM m1) WHERE gap > ?",
                        (limit_ns,),
                    ).fetchall()

            times["lag()"] = await _best_time(min(rounds, 2), lag)
            return windows, times


async def _influxdb_from_rollups(server: Server, years: int, rounds: int) -> tuple[int, dict[str, float]]:
    days = 365 * years
    name = server.new_bucket().name
    connection = InfluxConnection(url=server.url, org=server.org, bucket=name, token=server.token)
    async with InfluxStore(connection) as store:
        for every_ns in (HOUR_NS, DAY_NS):
            body = {"orgID": "", "name": tier_bucket(name, every_ns)}
            await store.call("POST", "/api/v2/buckets", {}, body)
            lines = [
                f"stream value:count={count}i,value:first={at_ns}i,value:last={at_ns + last}i,value:mean=1 {at_ns}"
                for window, count, last in _windows(days, every_ns)
                for at_ns in [window * every_ns]
            ]
            async with InfluxStore(replace(connection, bucket=tier_bucket(name, every_ns))) as tier:
                for start in range(0, len(lines), BATCH):
                    await tier.write("\n".join(lines[start : start + BATCH]).encode())
            await store.write(progress_line(RolledSpan("stream", every_ns, START_NS, START_NS + days * DAY_NS)))
        windows, times = await _measure_store(store, days * DAY_NS // SECOND_NS, rounds)
        deployments = [Deployment(1, START_NS, START_NS + days * DAY_NS)]
        times["computed in Flux"] = await _best_time(
            rounds,
            lambda: compute_availability_in_influxdb(
                store, STREAM, deployments, now_ns=START_NS + 2 * days * DAY_NS
            ),
        )
        return windows, times


async def _sqlite_from_rollups(years: int, rounds: int) -> tuple[int, dict[str, float]]:
    days = 365 * years
    with TemporaryDirectory() as directory:
        file = Path(directory) / "tsmon.db"
        async with SqliteStore(file, tiers=DEFAULT_TIERS) as store:
            await store.write(b"stream value=1 %d" % START_NS)
            await store.refresh_rollups()
        with closing(sqlite3.connect(file)) as connection, connection:
            numbers = dict(connection.execute("SELECT every_ns, number FROM rungs"))
            for every_ns in (HOUR_NS, DAY_NS):
                connection.executemany(
                    f"INSERT OR REPLACE INTO m1_r{numbers[every_ns]} (series, window, count, first, last, c1) "
                    "VALUES (1, ?, ?, 0, ?, 1.0)",
                    _windows(days, every_ns),
                )
        async with SqliteStore(file) as store:
            return await _measure_store(store, days * DAY_NS // SECOND_NS, rounds)


def _windows(days: int, every_ns: int) -> Iterator[tuple[int, int, int]]:
    per_day = DAY_NS // every_ns
    for window in range(START_NS // every_ns, START_NS // every_ns + days * per_day):
        if not 0.50 <= (window - START_NS // every_ns) / (days * per_day) < 0.51:
            yield window, every_ns // SECOND_NS, every_ns - SECOND_NS


async def _measure_store(store: Store, points: int, rounds: int) -> tuple[int, dict[str, float]]:
    """Number of windows of the deployment; times of the bins alone and of the report."""
    end_ns = START_NS + points * SECOND_NS
    report = await _report(store, points)
    [span] = [one for one in report.spans if one.deployment]
    if Category.MISSING not in {one.category for one in report.intervals}:
        raise RuntimeError("the outage was not found")

    async def bins() -> None:
        await store.bins(STREAM, start_ns=START_NS, stop_ns=end_ns, every_ns=span.every_ns)

    times = {
        "bins": await _best_time(rounds, bins),
        "report": await _best_time(rounds, lambda: _report(store, points)),
    }
    return points * SECOND_NS // span.every_ns, times


async def _report(store: Store, points: int) -> Report:
    end_ns = START_NS + points * SECOND_NS
    return await query_availability(store, STREAM, [Deployment(1, START_NS, end_ns)], EXACT, now_ns=2 * end_ns)


async def _fill(store: Store, points: int) -> None:
    outage = range(points // 2, points // 2 + points // 100)
    for start in range(0, points, BATCH):
        lines = [
            f"stream value={n % 97}.5 {START_NS + n * SECOND_NS}"
            for n in range(start, min(start + BATCH, points))
            if n not in outage
        ]
        if lines:
            await store.write("\n".join(lines).encode())


async def _best_time(rounds: int, query: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        await query()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Measure and print the result."""
    parser = build_parser("availability", __doc__)
    parser.add_argument(
        "--points", type=int, nargs="+", default=POINTS, help="points of each stream (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each (default: %(default)s)")
    parser.add_argument("--years", type=int, default=YEARS, help="years of rollups (default: %(default)s)")
    arguments = parser.parse_args()
    run_benchmark(arguments, lambda server: measure(server, arguments.points, arguments.rounds, arguments.years))


if __name__ == "__main__":
    main()
