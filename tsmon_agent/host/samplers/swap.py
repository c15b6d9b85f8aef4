"""Swap space, from /proc/meminfo and /proc/vmstat."""

import os
import time
from pathlib import Path
from typing import ClassVar

from tsmon.points import Point
from tsmon.points.host import Swap
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, KernelFileError, read_kernel_file
from tsmon_agent.host.samplers.memory import read_meminfo

__all__ = ["SwapSampler"]


class SwapSampler(Sampler):
    """One point; without the counters in and out if the kernel does not count memory events."""

    name: ClassVar[str] = "swap"

    def __init__(self, host: str, options: Options | None = None, *, root: Path = ROOT) -> None:
        super().__init__(host, options)
        self._meminfo = str(root / "proc/meminfo")
        self._vmstat = str(root / "proc/vmstat")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def sample(self) -> list[Point]:
        """One point."""
        entries = read_meminfo(self._meminfo, b"SwapTotal", b"SwapFree")
        swapped_in, swapped_out = self._read_swapped()
        time_ns = time.time_ns()
        total, free = entries[b"SwapTotal"], entries[b"SwapFree"]
        point = Swap(
            host=self.host,
            total=total,
            used=total - free,
            free=free,
            used_percent=100 * (total - free) / total if total else None,
            swapped_in=swapped_in,
            swapped_out=swapped_out,
            time=time_ns,
        )
        return [point]

    def _read_swapped(self) -> tuple[int | None, int | None]:
        try:
            content = read_kernel_file(self._vmstat)
        except KernelFileError:
            return None, None
        return self._bytes_after(b"\npswpin ", content), self._bytes_after(b"\npswpout ", content)

    def _bytes_after(self, name: bytes, content: bytes) -> int | None:
        _, found, rest = content.partition(name)
        return int(rest[: rest.index(b"\n")]) * self._page_bytes if found else None
