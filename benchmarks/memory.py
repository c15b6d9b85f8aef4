"""Memory of points that wait while the server is away.

The points are those of ``benchmarks.emit``. ``bytes_per_point`` is the increase in resident memory of the process,
divided by the number of points; ``bytes_per_line`` is the size of their lines in UTF-8. The peers keep what they
would send: influxdb-client its lines as strings, or its points before they are serialised.
"""

import argparse
from typing import Final

from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate, Unavailable, alternate
from benchmarks.table import show

__all__ = ["main", "measure"]

POINTS: Final = 1_000_000
OURS: Final = "tsmon"
CANDIDATES: Final = {
    OURS: "benchmarks.ours:hold",
    "influxdb-client lines": "benchmarks.peers.influxdb_points:hold_lines",
    "influxdb-client points": "benchmarks.peers.influxdb_points:hold_points",
}


def measure(points: int = POINTS) -> BenchmarkResult:
    """Memory of ``points`` with each library; the peers hold a tenth, since some need gigabytes."""
    rows: list[Row] = []
    candidates = [
        Candidate(name, function, (points if name == OURS else max(points // 10, 1),))
        for name, function in CANDIDATES.items()
    ]
    for candidate, figures in alternate(candidates, 1):
        if isinstance(figures, Unavailable):
            rows.append({"name": candidate.name, "unavailable": figures.reason})
            continue
        [one] = figures
        times = one["bytes_per_point"] / one["bytes_per_line"]
        rows.append({"name": candidate.name, "points": candidate.arguments[0], **one, "times_the_lines": times})
    costs = {str(row["name"]): float(row["bytes_per_point"]) for row in rows if "unavailable" not in row}
    ours = costs.pop(OURS)
    return BenchmarkResult("memory", rows, {peer: cost / ours for peer, cost in costs.items()})


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=POINTS, help="points that wait (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    result = measure(arguments.points)
    if arguments.json:
        print(result.json)
    else:
        show(result)


if __name__ == "__main__":
    main()
