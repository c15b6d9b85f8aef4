"""What benchmarks that write to a real InfluxDB have in common: rounds, each in a new bucket; a command line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from benchmarks.outcome import Outcome, Row
from benchmarks.rounds import Candidate, Figures, Unavailable, alternate
from benchmarks.server import NoServerError, Server, started
from benchmarks.table import show

__all__ = ["run", "stored_rows"]


def stored_rows(server: Server, candidates: Sequence[Candidate], rounds: int) -> list[Row]:
    """Cost and rate of each candidate, whose first argument is the number of points.

    Raises :class:`RuntimeError` where the server has stored another number.
    """

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
    return rows


def run(
    name: str, description: str, measure: Callable[[Server, int, int], Outcome], *, points: int, rounds: int
) -> None:
    """Measure as the command line says, and print."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--points", type=int, default=points, help="points a round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="rounds of each candidate (default: %(default)s)"
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
