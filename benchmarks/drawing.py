"""Time to draw an instrument with hundreds of streams over years, in both stores.

Streams are named as in an observatory. Each has a datum every three hours, periods with half as many, and a dozen
outages, with one deployment per year. Daily rollups are written without the points. ``reports`` is what a page
waits for: the intervals of all streams, from the windows that a page queries. ``rows`` converts them to the rows
that its template draws.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.command_line import build_parser, run_benchmark
from benchmarks.result import BenchmarkResult, Row
from benchmarks.server import Server
from tsmon.availability import EXACT, Category, Deployment
from tsmon.stores import Selector, Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import find_changes, progress_line
from tsmon.stores.influxdb.rollups import RolledSpan, tier_bucket
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.catalogue import parse_tags
from tsmon.time_units import DAY_NS, SECOND_NS
from tsmon_agent.streams.availability.instrument import (
    Instrument,
    ObservedStream,
    choose_min_widths,
    compute_reports,
)
from tsmon_agent.streams.timelines import build_timeline_rows

__all__ = ["main", "measure"]

MEASUREMENT: Final = "samples"
INSTRUMENT: Final = "CE01ISSM-RID16-03-CTDBPC000"
STREAMS: Final = 200
YEARS: Final = 10
ROUNDS: Final = 3
BATCH: Final = 20_000
OUTAGES: Final = 12

START_NS: Final = 1_400_000_000 * SECOND_NS // DAY_NS * DAY_NS


def measure(server: Server, streams: int = STREAMS, years: int = YEARS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Time of each step, in each store."""
    rows: list[Row] = [
        {"name": "tsmon, InfluxDB", "streams": streams, **asyncio.run(_influxdb(server, streams, years, rounds))},
        {"name": "tsmon, SQLite", "streams": streams, **asyncio.run(_sqlite(streams, years, rounds))},
    ]
    return BenchmarkResult("drawing", rows)


async def _influxdb(server: Server, streams: int, years: int, rounds: int) -> dict[str, float]:
    name = server.new_bucket().name
    connection = InfluxConnection(url=server.url, org=server.org, bucket=name, token=server.token)
    async with InfluxStore(connection) as store:
        for change in await find_changes(store, (RollupTier(DAY_NS),)):
            await change.apply(lambda *_: None)
        lines = [
            f"{_series(stream)} value:count={count}i,value:first={day * DAY_NS}i,"
            f"value:last={day * DAY_NS + last}i {day * DAY_NS}"
            for stream, day, count, last in _days(streams, years)
        ]
        async with InfluxStore(replace(connection, bucket=tier_bucket(name, DAY_NS))) as tier:
            for start in range(0, len(lines), BATCH):
                await tier.write("\n".join(lines[start : start + BATCH]).encode())
        await store.write(progress_line(RolledSpan(MEASUREMENT, DAY_NS, START_NS, START_NS + 365 * years * DAY_NS)))
        return await _measure_drawing(store, streams, years, rounds)


async def _sqlite(streams: int, years: int, rounds: int) -> dict[str, float]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "tsmon.db"
        async with SqliteStore(file, tiers=(RollupTier(DAY_NS),)) as store:
            await store.write("\n".join(f"{_series(n)} value=1 {START_NS}" for n in range(streams)).encode())
            await store.refresh_rollups()
        with closing(sqlite3.connect(file)) as connection, connection:
            [(number,)] = connection.execute("SELECT number FROM rungs WHERE every_ns > 0")
            ids = {
                parse_tags(text)["stream"]: id_ for id_, text in connection.execute("SELECT id, tags FROM series")
            }
            connection.executemany(
                f"INSERT OR REPLACE INTO m1_r{number} (series, window, count, first, last, c1) "
                "VALUES (?, ?, ?, 0, ?, 1.0)",
                ((ids[_tags(stream)["stream"]], *rest) for stream, *rest in _days(streams, years)),
            )
        async with SqliteStore(file, read_only=True) as store:
            return await _measure_drawing(store, streams, years, rounds)


def _tags(stream: int) -> dict[str, str]:
    name = f"ctdbp_cdef_dcl_instrument_{stream}"
    return {"method": "recovered_host", "reference_designator": INSTRUMENT, "stream": name}


def _series(stream: int) -> str:
    return ",".join((MEASUREMENT, *(f"{key}={value}" for key, value in _tags(stream).items())))


def _days(streams: int, years: int) -> Iterator[tuple[int, int, int, int]]:
    """Stream, number of the day, its number of data, and the offset of the last one in the day."""
    draw = random.Random(1)
    first = START_NS // DAY_NS
    for stream in range(streams):
        outages = [
            (day, day + draw.randrange(2, 40)) for day in (draw.randrange(365 * years) for _ in range(OUTAGES))
        ]
        for day in range(365 * years):
            if any(start <= day < end for start, end in outages):
                continue
            count = 8 if (day // 90 + stream) % 7 else 4
            yield stream, first + day, count, DAY_NS - DAY_NS // count


async def _measure_drawing(store: Store, streams: int, years: int, rounds: int) -> dict[str, float]:
    now_ns = START_NS + 365 * years * DAY_NS
    deployments = [
        Deployment(n + 1, START_NS + 365 * n * DAY_NS, START_NS + (365 * n + 350) * DAY_NS) for n in range(years)
    ]
    observed = [
        ObservedStream("recovered_host", tags["stream"], Selector(MEASUREMENT, "value", tags), EXACT)
        for tags in map(_tags, range(streams))
    ]
    instrument = Instrument(INSTRUMENT, deployments, observed)
    min_widths = choose_min_widths(instrument, START_NS, now_ns, now_ns)
    best = {"reports_s": float("inf"), "rows_s": float("inf"), "cpu_s": float("inf")}
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        reports = await compute_reports(
            store, instrument, now_ns=now_ns, start_ns=START_NS, end_ns=now_ns, min_widths=min_widths
        )
        best["reports_s"] = min(best["reports_s"], time.perf_counter() - wall)
        wall = time.perf_counter()
        build_timeline_rows(instrument, reports, START_NS, now_ns)
        best["rows_s"] = min(best["rows_s"], time.perf_counter() - wall)
        best["cpu_s"] = min(best["cpu_s"], time.process_time() - cpu)
        if not all(Category.MISSING in {one.category for one in report.intervals} for report in reports):
            raise RuntimeError("the outages were not found")
    return best


def main() -> None:
    """Measure and print the result."""
    parser = build_parser("drawing", __doc__)
    parser.add_argument("--streams", type=int, default=STREAMS, help="streams (default: %(default)s)")
    parser.add_argument("--years", type=int, default=YEARS, help="years (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each (default: %(default)s)")
    arguments = parser.parse_args()
    run_benchmark(arguments, lambda server: measure(server, arguments.streams, arguments.years, arguments.rounds))


if __name__ == "__main__":
    main()
