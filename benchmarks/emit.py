"""Cost of emitting a point: construct, check, encode, buffer.

The point has three tags (service, route, status code), a unique id, a float of full precision and the current time.
Nothing is sent. The peers do the nearest equivalent: influxdb-client and aioinflux build the same line and append
it to a list; prometheus_client and OpenTelemetry count the value in a histogram with three labels and discard the
rest.

``us_per_point`` is CPU time of the process, ``points_per_s`` is by wall clock; both are of the best round.
"""

import argparse
from typing import Final

from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate, Unavailable, alternate
from benchmarks.table import show

__all__ = ["main", "measure"]

POINTS: Final = 20_000
ROUNDS: Final = 15
THREADS: Final = 4
OURS: Final = "tsmon"
CANDIDATES: Final = {
    OURS: "benchmarks.ours:emit",
    "prometheus_client": "benchmarks.peers.prometheus:emit",
    "opentelemetry": "benchmarks.peers.opentelemetry:emit",
    "aioinflux": "benchmarks.peers.aioinflux_serializer:emit",
    "influxdb-client": "benchmarks.peers.influxdb_points:emit",
}


def measure(points: int = POINTS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Cost of a point with each library, from one thread and from several threads."""
    rows: list[Row] = []
    for threads in (1, THREADS):
        candidates = [Candidate(name, function, (points, threads)) for name, function in CANDIDATES.items()]
        for candidate, figures in alternate(candidates, rounds):
            if not isinstance(figures, Unavailable):
                rows.append(
                    {
                        "name": candidate.name,
                        "threads": threads,
                        "us_per_point": min(one["us_per_point"] for one in figures),
                        "points_per_s": 1e6 / min(one["wall_us_per_point"] for one in figures),
                    }
                )
            elif threads == 1:
                rows.append({"name": candidate.name, "unavailable": figures.reason})
    costs = {row["name"]: float(row["us_per_point"]) for row in rows if row.get("threads") == 1}
    ours = costs.pop(OURS)
    return BenchmarkResult("emit", rows, {str(peer): cost / ours for peer, cost in costs.items()})


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emit", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=POINTS, help="points per round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds of each candidate (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    result = measure(arguments.points, arguments.rounds)
    if arguments.json:
        print(result.json)
    else:
        show(result)


if __name__ == "__main__":
    main()
