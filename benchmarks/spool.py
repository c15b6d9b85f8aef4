"""Cost of durability: points per second that reach a real InfluxDB in each mode of the spool.

Points and program are those of ``benchmarks.write``. ``required`` writes every point to disk, and waits for the
disk, before sending it; ``on``, the default, does so only while the server is away or slow; ``off`` never does.
Figures are of the best round; the ratio is the rate with ``required`` over that of the other modes.
"""

from typing import Final

from benchmarks.against_server import measure_writing, run
from benchmarks.result import BenchmarkResult
from benchmarks.rounds import Candidate
from benchmarks.server import Server

__all__ = ["main", "measure"]

POINTS: Final = 100_000
ROUNDS: Final = 7
REQUIRED: Final = "tsmon"
MODES: Final = {REQUIRED: "required", "spool on": "on", "spool off": "off"}


def measure(server: Server, points: int = POINTS, rounds: int = ROUNDS) -> BenchmarkResult:
    """Cost and rate of each mode; raises :class:`RuntimeError` if a point was lost."""
    candidates = [
        Candidate(name, "benchmarks.ours:write_with_spool", (points, mode)) for name, mode in MODES.items()
    ]
    rows = measure_writing(server, candidates, rounds)
    rates = {str(row["name"]): float(row["points_per_s"]) for row in rows}
    ours = rates.pop(REQUIRED)
    return BenchmarkResult("spool", rows, {mode: ours / rate for mode, rate in rates.items()})


def main() -> None:
    """Measure and print the result."""
    run("spool", __doc__.partition("\n")[0], measure, points=POINTS, rounds=ROUNDS)


if __name__ == "__main__":
    main()
