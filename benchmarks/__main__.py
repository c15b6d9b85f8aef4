"""Run all benchmarks, one after the other, and summarise each in a line."""

import argparse
import subprocess
import sys
from typing import Final

from benchmarks.result import BenchmarkResult
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
    """Run each benchmark in its own process, and print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON array instead of tables")
    arguments = parser.parse_args()
    results: list[BenchmarkResult] = []
    for name in BENCHMARKS:
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(f"{name} was skipped, for the reason above", file=sys.stderr)
            continue
        results.append(BenchmarkResult.from_json(done.stdout))
        if not arguments.json:
            print(name)
            show(results[-1])
            print()
    if arguments.json:
        print(f"[{', '.join(result.json for result in results)}]")
        return
    print("By which factor tsmon is better:")
    for result in results:
        show_ratios(result)


if __name__ == "__main__":
    main()
