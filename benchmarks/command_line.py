"""The command line of benchmarks that ask a real InfluxDB."""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext

from benchmarks.outcome import Outcome
from benchmarks.server import NoServerError, Server, started
from benchmarks.table import show

__all__ = ["measured", "parser_of"]


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Options for the server and the form of the answer, to which a benchmark adds its own."""
    first = (description or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=first)
    parser.add_argument("--url", help="an InfluxDB that runs already (default: one is started)")
    parser.add_argument("--org", default="", help="its organization")
    parser.add_argument("--token", default="", help="an operator's token for it: buckets are made and deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser


def measured(arguments: argparse.Namespace, measure: Callable[[Server], Outcome]) -> None:
    """Measure against the server that is named, or one that is started for it, and print."""
    given = Server(arguments.url, arguments.org, arguments.token) if arguments.url else None
    try:
        with nullcontext(given) if given else started() as server:
            outcome = measure(server)
    except NoServerError as error:
        sys.exit(str(error))
    if arguments.json:
        print(outcome.json)
    else:
        show(outcome)
