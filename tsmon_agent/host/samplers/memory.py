"""Physical memory, from /proc/meminfo."""

import re
import time
from pathlib import Path
from typing import Any, ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import Memory
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, KernelFileError, read_kernel_file

__all__ = ["MemorySampler", "read_meminfo"]

_entry = re.compile(rb"^([^:\n]+):\s+(\d+)( kB)?", re.MULTILINE)

_COPIED: Final = {
    "available": b"MemAvailable",
    "active": b"Active",
    "buffered": b"Buffers",
    "commit_limit": b"CommitLimit",
    "committed_as": b"Committed_AS",
    "dirty": b"Dirty",
    "high_free": b"HighFree",
    "high_total": b"HighTotal",
    "huge_pages_free": b"HugePages_Free",
    "huge_page_size": b"Hugepagesize",
    "huge_pages_total": b"HugePages_Total",
    "inactive": b"Inactive",
    "low_free": b"LowFree",
    "low_total": b"LowTotal",
    "mapped": b"Mapped",
    "page_tables": b"PageTables",
    "shared": b"Shmem",
    "slab": b"Slab",
    "sreclaimable": b"SReclaimable",
    "sunreclaim": b"SUnreclaim",
    "swap_cached": b"SwapCached",
    "swap_free": b"SwapFree",
    "swap_total": b"SwapTotal",
    "vmalloc_chunk": b"VmallocChunk",
    "vmalloc_total": b"VmallocTotal",
    "vmalloc_used": b"VmallocUsed",
    "write_back_tmp": b"WritebackTmp",
    "write_back": b"Writeback",
}


def read_meminfo(path: str, *needed: bytes) -> dict[bytes, int]:
    """Entries of a /proc/meminfo by name, in bytes or as plain numbers.

    Raises :class:`KernelFileError` if the file or one of the entries ``needed`` is missing.
    """
    entries = {
        name: int(value) * 1024 if unit else int(value)
        for name, value, unit in _entry.findall(read_kernel_file(path))
    }
    for name in needed:
        if name not in entries:
            raise KernelFileError(f"{path} has no entry {name.decode()}; this kernel's memory cannot be read")
    return entries


class MemorySampler(Sampler):
    """One point. Used is total minus free, buffers, page cache and reclaimable slab, as in Telegraf."""

    name: ClassVar[str] = "mem"

    def __init__(self, host: str, options: Options | None = None, *, root: Path = ROOT) -> None:
        super().__init__(host, options)
        self._path = str(root / "proc/meminfo")

    def sample(self) -> list[Point]:
        """One point."""
        entries = read_meminfo(self._path, b"MemTotal", b"MemFree")
        time_ns = time.time_ns()
        total, free = entries[b"MemTotal"], entries[b"MemFree"]
        available = entries.get(b"MemAvailable")
        cached = entries.get(b"Cached")
        used = None
        if cached is not None:
            cached += entries.get(b"SReclaimable", 0)
            used = total - free - entries.get(b"Buffers", 0) - cached
        copied: dict[str, Any] = {field: entries.get(entry) for field, entry in _COPIED.items()}
        point = Memory(
            host=self.host,
            total=total,
            free=free,
            cached=cached,
            used=used,
            used_percent=None if used is None else 100 * used / total,
            available_percent=None if available is None else 100 * available / total,
            time=time_ns,
            **copied,
        )
        return [point]
