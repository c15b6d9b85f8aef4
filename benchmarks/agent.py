"""Cost of the agent on its host, in CPU time and resident memory, compared with Telegraf.

Both sample CPU, memory, swap, file systems, block devices, interfaces, load and processes, every second and every
ten seconds, all at the same time. tsmon-agent writes to its embedded SQLite store and serves its pages; Telegraf (a
build with only these inputs, if possible) appends line protocol to a file. Measurement starts after a settling
time. Telegraf is the one named by TSMON_TEST_TELEGRAF, else on PATH, else in the cache directory of the tests.

``cpu_s_per_hour`` is CPU time of the whole process, from its own clock; ``resident_mb`` is VmRSS of /proc.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.result import BenchmarkResult, Row
from benchmarks.table import show
from tests.services.install_influxd import cache

__all__ = ["main", "measure"]

SECONDS: Final = 60.0
SETTLE_S: Final = 15.0
INTERVALS_S: Final = (1, 10)
OURS: Final = "tsmon-agent"
PEER: Final = "telegraf"
INPUTS: Final = ("cpu", "disk", "diskio", "mem", "net", "processes", "swap", "system")


@dataclass
class Candidate:
    """A process at an interval."""

    program: str
    interval_s: int
    process: "subprocess.Popen[bytes]"
    cpu_s: float = 0.0
    since_s: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.program} every {self.interval_s} s"

    def begin(self) -> None:
        """Take the first reading."""
        self.cpu_s, self.since_s = _cpu_s(self.process), time.monotonic()

    def row(self) -> Row:
        """Figures since the first reading."""
        share = (_cpu_s(self.process) - self.cpu_s) / (time.monotonic() - self.since_s)
        return {"name": self.name, "cpu_s_per_hour": 3_600 * share, "resident_mb": _resident_mb(self.process)}


def measure(seconds: float = SECONDS, settle_s: float = SETTLE_S) -> BenchmarkResult:
    """Cost of the agent and of Telegraf, at each interval."""
    telegraf = _find_telegraf()
    with ExitStack() as stack:
        candidates: list[Candidate] = []
        for interval_s in INTERVALS_S:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tsmon-benchmark-")))
            candidates.append(_start(stack, OURS, interval_s, _agent_command(directory, interval_s), directory))
            if telegraf is not None:
                command = _telegraf_command(telegraf, directory, interval_s)
                candidates.append(_start(stack, PEER, interval_s, command, directory))
        time.sleep(settle_s)
        for candidate in candidates:
            candidate.begin()
        time.sleep(seconds)
        rows = [candidate.row() for candidate in candidates]
    if telegraf is None:
        reason = "it was not found; name it by TSMON_TEST_TELEGRAF, or put it on PATH"
        return BenchmarkResult("agent", [*rows, {"name": PEER, "unavailable": reason}])
    costs = {row["name"]: float(row["cpu_s_per_hour"]) for row in rows}
    peers = [(f"{PEER} every {interval_s} s", f"{OURS} every {interval_s} s") for interval_s in INTERVALS_S]
    return BenchmarkResult("agent", rows, {peer: costs[peer] / costs[ours] for peer, ours in peers})


def _start(stack: ExitStack, program: str, interval_s: int, command: Sequence[str], directory: Path) -> Candidate:
    log = stack.enter_context((directory / f"{program}.log").open("wb"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSMON_")}
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )

    def end() -> None:
        process.terminate()
        process.wait()

    stack.callback(end)
    return Candidate(program, interval_s, process)


def _agent_command(directory: Path, interval_s: int) -> Sequence[str]:
    settings = directory / "tsmon.toml"
    settings.write_text(
        f"[monitoring]\nfile = '{directory / 'tsmon.db'}'\n[agent]\ninterval = {interval_s}\n[web]\nport = 0\n"
    )
    return [str(Path(sys.executable).with_name(OURS)), "run", "--settings", str(settings)]


def _telegraf_command(telegraf: str, directory: Path, interval_s: int) -> Sequence[str]:
    settings = directory / "telegraf.conf"
    inputs = "".join(f"[[inputs.{name}]]\n" for name in INPUTS)
    ignored = '  ignore_fs = ["tmpfs", "devtmpfs", "devfs", "iso9660", "overlay", "aufs", "squashfs"]\n'
    settings.write_text(
        f'[agent]\n  interval = "{interval_s}s"\n  flush_interval = "{interval_s}s"\n'
        f'[[outputs.file]]\n  files = ["{directory / "telegraf.out"}"]\n  data_format = "influx"\n'
        + inputs.replace("[[inputs.disk]]\n", f"[[inputs.disk]]\n{ignored}")
    )
    return [telegraf, "--config", str(settings)]


def _find_telegraf() -> str | None:
    named = os.environ.get("TSMON_TEST_TELEGRAF") or shutil.which("telegraf")
    built = cache() / "telegraf" / "telegraf"
    return named or (str(built) if os.access(built, os.X_OK) else None)


def _cpu_s(process: "subprocess.Popen[bytes]") -> float:
    """CPU time of a running process, including its ended threads, by clock_getcpuclockid(3)."""
    if process.poll() is not None:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return time.clock_gettime((~process.pid << 3) | 2)


def _resident_mb(process: "subprocess.Popen[bytes]") -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    (kib,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kib) * 1_024 / 1e6


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="duration of the measurement (default: %(default)s)"
    )
    parser.add_argument(
        "--settle", type=float, default=SETTLE_S, help="settling time before it, in seconds (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    result = measure(arguments.seconds, arguments.settle)
    if arguments.json:
        print(result.json)
    else:
        show(result)


if __name__ == "__main__":
    main()
