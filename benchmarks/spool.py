"""What durability costs: how many points a second reach a real InfluxDB with each mode of the spool.

The points and the program are those of ``benchmarks.write``. ``required`` puts every point on disk, and waits for
the disk, before it is sent; ``on``, the default, does so only while the server is away or lags; ``off`` never.
Best round of each; the ratio is our rate with ``required`` over the rate of the other modes.
"""

from typing import Final

from benchmarks.against_server import run, stored_rows
from benchmarks.outcome import Outcome
from benchmarks.rounds import Candidate
from benchmarks.server import Server

__all__ = ["main", "measure"]

POINTS: Final = 100_000
ROUNDS: Final = 7
REQUIRED: Final = "tsmon"
MODES: Final = {REQUIRED: "required", "spool on": "on", "spool off": "off"}


def measure(server: Server, points: int = POINTS, rounds: int = ROUNDS) -> Outcome:
    """Cost and rate of each mode; raises :class:`RuntimeError` where a point was lost."""
    candidates = [
        Candidate(name, "benchmarks.ours:write_with_spool", (points, mode)) for name, mode in MODES.items()
    ]
    rows = stored_rows(server, candidates, rounds)
    rates = {str(row["name"]): float(row["points_per_s"]) for row in rows}
    ours = rates.pop(REQUIRED)
    return Outcome("spool", rows, {mode: ours / rate for mode, rate in rates.items()})


def main() -> None:
    """Measure and print."""
    run("spool", __doc__.partition("\n")[0], measure, points=POINTS, rounds=ROUNDS)


if __name__ == "__main__":
    main()
