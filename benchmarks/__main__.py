"""Every benchmark, one after the other, and what came out of them in a line each."""

import argparse
import subprocess
import sys
from typing import Final

from benchmarks.outcome import Outcome
from benchmarks.table import show, show_ratios

BENCHMARKS: Final = (
    "emit",
    "requests",
    "memory",
    "write",
    "spool",
    "agent",
    "availability",
    "drawing",
    "freshness",
)


def main() -> None:
    """Measure all and print; each benchmark is a process, as if it were called by itself."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON array instead of tables")
    arguments = parser.parse_args()
    outcomes: list[Outcome] = []
    for name in BENCHMARKS:
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(f"{name} is left out, for the reason above", file=sys.stderr)
            continue
        outcomes.append(Outcome.from_json(done.stdout))
        if not arguments.json:
            print(name)
            show(outcomes[-1])
            print()
    if arguments.json:
        print(f"[{', '.join(outcome.json for outcome in outcomes)}]")
        return
    print("How many times better tsmon is:")
    for outcome in outcomes:
        show_ratios(outcome)


if __name__ == "__main__":
    main()
