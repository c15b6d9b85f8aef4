"""Benchmarks that write to a real InfluxDB: rounds, each in a new bucket, and the command line."""

from collections.abc import Callable, Sequence

from benchmarks.command_line import build_parser, run_benchmark
from benchmarks.result import BenchmarkResult, Row
from benchmarks.rounds import Candidate, Figures, Unavailable, alternate
from benchmarks.server import Server

__all__ = ["measure_writing", "run"]


def measure_writing(server: Server, candidates: Sequence[Candidate], rounds: int) -> list[Row]:
    """Cost and rate of each candidate, whose first argument is the number of points.

    Raises :class:`RuntimeError` if the server has stored a different number.
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
    name: str, description: str, measure: Callable[[Server, int, int], BenchmarkResult], *, points: int, rounds: int
) -> None:
    """Measure with the options of the command line, and print the result."""
    parser = build_parser(name, description)
    parser.add_argument("--points", type=int, default=points, help="points per round (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="rounds of each candidate (default: %(default)s)"
    )
    arguments = parser.parse_args()
    run_benchmark(arguments, lambda server: measure(server, arguments.points, arguments.rounds))
