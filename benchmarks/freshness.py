"""How much of our CPU a look at thousands of expected streams takes, in both stores.

Each stream is a series with some data of its own; the store is asked once for all of them, and now and then for
their rates. ``cpu_s`` is the CPU time of this process alone, ``seconds`` the wall time, which the store's own work
is in: means over rounds that are a minute apart; ``worst_cpu_s`` is that of the most expensive round.
"""

import argparse
import asyncio
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.outcome import Outcome, Row
from benchmarks.server import NoServerError, Server, started
from benchmarks.table import show
from tsmon.settings import Settings
from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent.freshness import Watch
from tsmon_agent.state import State
from tsmon_agent.streams import load_streams, stream_rows_of_csv

__all__ = ["main", "measure"]

STREAMS: Final = 10_000
ROUNDS: Final = 10
POINTS: Final = 30
PERIOD_S: Final = 20
SECOND_NS: Final = 1_000_000_000


def measure(server: Server, streams: int = STREAMS, rounds: int = ROUNDS) -> Outcome:
    """Cost of a round over so many streams."""
    rows: list[Row] = [
        {"name": "tsmon, InfluxDB", "streams": streams, **asyncio.run(_influxdb(server, streams, rounds))},
        {"name": "tsmon, SQLite", "streams": streams, **asyncio.run(_sqlite(streams, rounds))},
    ]
    return Outcome("freshness", rows)


async def _influxdb(server: Server, streams: int, rounds: int) -> dict[str, float]:
    bucket = server.new_bucket()
    try:
        connection = InfluxConnection(url=server.url, org=server.org, bucket=bucket.name, token=server.token)
        async with InfluxStore(connection) as store:
            return await _rounds(store, streams, rounds)
    finally:
        bucket.drop()


async def _sqlite(streams: int, rounds: int) -> dict[str, float]:
    with TemporaryDirectory() as directory:
        async with SqliteStore(Path(directory) / "tsmon.db") as store:
            return await _rounds(store, streams, rounds)


async def _rounds(store: Store, streams: int, rounds: int) -> dict[str, float]:
    now_ns = time.time_ns()
    names = [f"CE{n:05d}-SENSOR" for n in range(streams)]
    for point in range(POINTS):
        time_ns = now_ns - point * PERIOD_S * SECOND_NS
        lines = [
            f"ctd,reference_designator={name},method=streamed,host=h{n % 50} value=1 {time_ns}"
            for n, name in enumerate(names)
        ]
        await store.write("\n".join(lines).encode())
    table = "".join(f"{name},streamed,ctd,{1 / PERIOD_S},3600,36000\n" for name in names)
    with TemporaryDirectory() as directory:
        async with State(Path(directory) / "state.db") as state:
            rows = stream_rows_of_csv(table, Settings(), source="expected")
            await state.run(lambda session: load_streams(session, rows))
            watch = Watch(state, 900 * SECOND_NS)
            await watch.round(store, now_ns)
            cpus, walls = [], []
            for number in range(1, rounds + 1):
                cpu, wall = time.process_time(), time.perf_counter()
                await watch.round(store, now_ns + number * 60 * SECOND_NS)
                cpus.append(time.process_time() - cpu)
                walls.append(time.perf_counter() - wall)
            if {one.level.word for one in watch.streams} != {"operational"}:
                raise RuntimeError("not every stream was found")
            if any(one.rate is None for one in watch.streams):
                raise RuntimeError("not every stream has a rate")
            return {"cpu_s": sum(cpus) / rounds, "worst_cpu_s": max(cpus), "seconds": sum(walls) / rounds}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=STREAMS, help="expected streams (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each (default: %(default)s)")
    parser.add_argument("--url", help="an InfluxDB that runs already (default: one is started)")
    parser.add_argument("--org", default="", help="its organization")
    parser.add_argument("--token", default="", help="an operator's token for it: buckets are made and deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    given = Server(arguments.url, arguments.org, arguments.token) if arguments.url else None
    try:
        with nullcontext(given) if given else started() as server:
            outcome = measure(server, arguments.streams, arguments.rounds)
    except NoServerError as error:
        sys.exit(str(error))
    if arguments.json:
        print(outcome.json)
    else:
        show(outcome)


if __name__ == "__main__":
    main()
