"""The command line of benchmarks that use a real InfluxDB."""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext

from benchmarks.result import BenchmarkResult
from benchmarks.server import NoServerError, Server, start_server
from benchmarks.table import show

__all__ = ["build_parser", "run_benchmark"]


def build_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Options for the server and the output, to which a benchmark adds its own."""
    first = (description or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=first)
    parser.add_argument("--url", help="URL of a running InfluxDB (default: one is started)")
    parser.add_argument("--org", default="", help="its organization")
    parser.add_argument("--token", default="", help="an operator token: buckets are created and deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser


def run_benchmark(arguments: argparse.Namespace, measure: Callable[[Server], BenchmarkResult]) -> None:
    """Measure with the given server, or with one that is started, and print the result."""
    given = Server(arguments.url, arguments.org, arguments.token) if arguments.url else None
    try:
        with nullcontext(given) if given else start_server() as server:
            result = measure(server)
    except NoServerError as error:
        sys.exit(str(error))
    if arguments.json:
        print(result.json)
    else:
        show(result)
