"""Cost of recording requests in an aiohttp service, compared with other middleware.

The same application with 20 routes handles the same requests, without sockets: bare, with tsmon's middleware (a
point with identifier and time for each request, and the number in progress), with a minimal middleware over
prometheus_client (a histogram and a gauge), and with OpenTelemetry's aiohttp server instrumentation (its metrics).

``overhead_us`` is the CPU time per request in excess of the bare application; figures are of the best round.
"""

import argparse
from typing import Final

from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate, Unavailable, alternate
from benchmarks.table import show

__all__ = ["main", "measure"]

REQUESTS: Final = 6_000
ROUNDS: Final = 7
BARE: Final = "bare"
OURS: Final = "tsmon"
CANDIDATES: Final = {
    BARE: "benchmarks.serving:bare",
    OURS: "benchmarks.ours_serving:requests",
    "prometheus_client": "benchmarks.peers.prometheus_middleware:requests",
    "opentelemetry": "benchmarks.peers.opentelemetry_middleware:requests",
}


def measure(requests: int = REQUESTS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Cost of a request with each middleware, and without any."""
    rows: list[Row] = []
    overheads: dict[str, float] = {}
    bare_us = 0.0
    candidates = [Candidate(name, function, (requests,)) for name, function in CANDIDATES.items()]
    for candidate, figures in alternate(candidates, rounds):
        if isinstance(figures, Unavailable):
            rows.append({"name": candidate.name, "unavailable": figures.reason})
            continue
        best_us = min(one["us_per_request"] for one in figures)
        if candidate.name == BARE:
            bare_us = best_us
            continue
        overheads[candidate.name] = best_us - bare_us
        rows.append({"name": candidate.name, "us_per_request": best_us, "overhead_us": best_us - bare_us})
    ours = overheads.pop(OURS)
    return BenchmarkResult("requests", rows, {peer: overhead / ours for peer, overhead in overheads.items()})


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests per round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds of each candidate (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    result = measure(arguments.requests, arguments.rounds)
    if arguments.json:
        print(result.json)
    else:
        show(result)


if __name__ == "__main__":
    main()
