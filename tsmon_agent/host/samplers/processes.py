"""Processes by state, from /proc/<pid>/stat."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import Processes
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, KernelFileError

__all__ = ["ProcessesOptions", "ProcessesSampler"]

_FREE_NS: Final = 5_000_000
"""A scan with no more CPU time than this (about 400 processes) is never postponed."""

_STAT_BYTES: Final = 4_096

_STATES: Final = {
    b"R": "running",
    b"S": "sleeping",
    b"D": "blocked",
    b"Z": "zombies",
    b"T": "stopped",
    b"t": "stopped",
    b"X": "dead",
    b"x": "dead",
    b"W": "paging",
    b"I": "idle",
    b"P": "parked",
}


@dataclass(frozen=True, slots=True)
class ProcessesOptions(Options):
    """``max_share``: share of one CPU that scanning may take on hosts with many processes; 1 for no limit.

    A scan costs about 10 µs per process. If it would exceed the share, some rounds return no point: 2,000 processes
    are counted every 4 s by default, however short the interval.
    """

    max_share: float = 0.005


class ProcessesSampler(Sampler):
    """One point; a process that ends during the scan does not count.

    A process that may not be read (``hidepid``) counts as unknown; the number of threads is then left out.
    """

    name: ClassVar[str] = "processes"
    options_type: ClassVar[type[Options]] = ProcessesOptions

    def __init__(
        self,
        host: str,
        options: ProcessesOptions | None = None,
        *,
        root: Path = ROOT,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        processor_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        super().__init__(host, options)
        self._max_share = (options or ProcessesOptions()).max_share
        self._proc = str(root / "proc")
        self._monotonic_ns = monotonic_ns
        self._processor_ns = processor_ns
        self._not_before_ns: int | None = None

    def sample(self) -> list[Point]:
        """One point, or none if the last scan was expensive and recent."""
        now_ns = self._monotonic_ns()
        if self._not_before_ns is not None and now_ns < self._not_before_ns:
            return []
        began_ns = self._processor_ns()
        point = self._scan()
        cost_ns = self._processor_ns() - began_ns
        self._not_before_ns = now_ns + int(cost_ns / self._max_share) if cost_ns > _FREE_NS else None
        return [point]

    def _scan(self) -> Processes:
        counts = dict.fromkeys([*_STATES.values(), "unknown"], 0)
        total = total_threads = 0
        hidden = False
        for name in self._list():
            if not name.isdigit():
                continue
            try:
                stat = _read_stat(f"{self._proc}/{name}/stat")
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                hidden = True
                counts["unknown"] += 1
                total += 1
                continue
            # The program name precedes the state in parentheses, and may itself contain parentheses.
            state, _, rest = stat[stat.rfind(b")") + 2 :].partition(b" ")
            counts[_STATES.get(state, "unknown")] += 1
            total += 1
            total_threads += int(rest.split(b" ", 17)[16])
        return Processes(
            host=self.host,
            total=total,
            total_threads=None if hidden else total_threads,
            running=counts["running"],
            sleeping=counts["sleeping"],
            blocked=counts["blocked"],
            zombies=counts["zombies"],
            stopped=counts["stopped"],
            dead=counts["dead"],
            paging=counts["paging"],
            idle=counts["idle"],
            parked=counts["parked"],
            unknown=counts["unknown"],
            time=time.time_ns(),
        )

    def _list(self) -> list[str]:
        try:
            return os.listdir(self._proc)  # noqa: PTH208
        except OSError as error:
            raise KernelFileError(
                f"{self._proc} cannot be listed ({error.strerror}); mount procfs there"
            ) from error


def _read_stat(path: str) -> bytes:
    """Content of a process' stat file, which fits in one read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _STAT_BYTES)
    finally:
        os.close(descriptor)
