"""Cost of a stored point for the client, and points per second that reach a real InfluxDB.

The points are those of ``benchmarks.emit``: three tags, a unique id, a float. ``client_cpu_us_per_point`` is user
and system time of the client's process, from the creation of the first point to the server's response for the last
one; ``points_per_s`` is by wall clock; both are of the best round. Each round writes to a new bucket, whose points
the server then counts: a candidate that loses a point fails the benchmark.

For clients, the ratio is their CPU time over ours. For ready lines, which cost their sender almost nothing, it is
our rate over theirs: the share of the server's own speed.
"""

from typing import Final

from benchmarks.against_server import measure_writing, run
from benchmarks.ours import STEADY_PER_S
from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate
from benchmarks.server import Server

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


def measure(server: Server, points: int = POINTS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Cost and rate of each candidate; raises :class:`RuntimeError` if a point was lost."""
    candidates = [
        Candidate(name, function, (STEADY_PER_S * STEADY_S if name == STEADY else points,))
        for name, function in CANDIDATES.items()
    ]
    rows = measure_writing(server, candidates, rounds)
    return BenchmarkResult("write", rows, _compute_ratios([row for row in rows if "unavailable" not in row]))


def _compute_ratios(rows: list[Row]) -> dict[str, float]:
    cost = {str(row["name"]): float(row["client_cpu_us_per_point"]) for row in rows}
    rate = {str(row["name"]): float(row["points_per_s"]) for row in rows}
    return {
        peer: rate[OURS] / rate[READY] if peer == READY else cost[peer] / cost[OURS]
        for peer in cost
        if not peer.startswith(OURS)
    }


def main() -> None:
    """Measure and print the result."""
    run("write", __doc__.partition("\n")[0], measure, points=POINTS, rounds=ROUNDS)


if __name__ == "__main__":
    main()
