"""What a stored point costs the client, and how many points a second reach a real InfluxDB.

The points are those of ``benchmarks.emit``: three tags, a distinct id, a float. ``us_per_point`` is CPU time of the
client's process, user and system, from making the first point to the server's answer for the last one;
``points_per_s`` follows the wall clock; both of the best round. Each round writes to a new bucket, and the server
then counts what it has stored: a candidate that loses a point fails the benchmark.

For the clients the ratio is their CPU time over ours. For ready lines, which cost their poster nearly nothing, it
is our rate over theirs: what is left of the server's own speed.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from benchmarks.ours import STEADY_PER_S
from benchmarks.outcome import Outcome, Row
from benchmarks.rounds import Candidate, Figures, Unavailable, alternate
from benchmarks.server import NoServerError, Server, started
from benchmarks.table import show

__all__ = ["main", "measure"]

POINTS: Final = 100_000
ROUNDS: Final = 5
STEADY_S: Final = 3
OURS: Final = "tsmon"
STEADY: Final = "tsmon, steady"
READY: Final = "ready lines"
CANDIDATES: Final = {
    OURS: "benchmarks.ours:write",
    "tsmon, event loop": "benchmarks.ours:write_in_a_loop",
    STEADY: "benchmarks.ours:write_steadily",
    READY: "benchmarks.peers.ready_lines:write",
    "influxdb-client batching": "benchmarks.peers.influxdb_points:write_batching",
    "influxdb-client async": "benchmarks.peers.influxdb_points:write_async",
}


def measure(server: Server, points: int = POINTS, rounds: int = ROUNDS) -> Outcome:
    """Cost and rate of each way; raises :class:`RuntimeError` where a point was lost."""

    def measure_one(candidate: Candidate, run: Callable[..., Figures | Unavailable]) -> Figures | Unavailable:
        bucket = server.new_bucket()
        try:
            figures = run(bucket)
            stored = bucket.count()
        finally:
            bucket.drop()
        if not isinstance(figures, Unavailable) and stored != candidate.arguments[0]:
            raise RuntimeError(f"{candidate.name}: {stored} of {candidate.arguments[0]} points were stored")
        return figures

    candidates = [
        Candidate(name, function, (STEADY_PER_S * STEADY_S if name == STEADY else points,))
        for name, function in CANDIDATES.items()
    ]
    rows: list[Row] = []
    for candidate, figures in alternate(candidates, rounds, measure_one):
        if isinstance(figures, Unavailable):
            rows.append({"name": candidate.name, "unavailable": figures.reason})
            continue
        rows.append(
            {
                "name": candidate.name,
                "client_cpu_us_per_point": min(one["us_per_point"] for one in figures),
                "points_per_s": 1e6 / min(one["wall_us_per_point"] for one in figures),
                "points": candidate.arguments[0],
            }
        )
    return Outcome("write", rows, _ratios([row for row in rows if "unavailable" not in row]))


def _ratios(rows: list[Row]) -> dict[str, float]:
    cost = {str(row["name"]): float(row["client_cpu_us_per_point"]) for row in rows}
    rate = {str(row["name"]): float(row["points_per_s"]) for row in rows}
    return {
        peer: rate[OURS] / rate[READY] if peer == READY else cost[peer] / cost[OURS]
        for peer in cost
        if not peer.startswith(OURS)
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.write", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=POINTS, help="points a round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds of each candidate (default: %(default)s)"
    )
    parser.add_argument("--url", help="an InfluxDB that runs already (default: one is started)")
    parser.add_argument("--org", default="", help="its organization")
    parser.add_argument("--token", default="", help="an operator's token for it: buckets are made and deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    given = Server(arguments.url, arguments.org, arguments.token) if arguments.url else None
    try:
        with nullcontext(given) if given else started() as server:
            outcome = measure(server, arguments.points, arguments.rounds)
    except NoServerError as error:
        sys.exit(str(error))
    if arguments.json:
        print(outcome.json)
    else:
        show(outcome)


if __name__ == "__main__":
    main()
