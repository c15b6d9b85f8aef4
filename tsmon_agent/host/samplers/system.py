"""Load, users and uptime, from /proc/loadavg, /proc/uptime and utmp."""

import os
import sys
import time
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import System
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, KernelFileError, read_kernel_file

__all__ = ["SystemSampler"]

_RECORD_BYTES: Final = (384, 400)
"""Sizes of records in utmp(5): depending on the architecture, their times have 32 or 64 bits."""

_LAST_TYPE: Final = 9
_USER_PROCESS: Final = 7


class SystemSampler(Sampler):
    """One point; without users on hosts without utmp, which newer distributions no longer have."""

    name: ClassVar[str] = "system"

    def __init__(self, host: str, options: Options | None = None, *, root: Path = ROOT) -> None:
        super().__init__(host, options)
        self._loadavg = str(root / "proc/loadavg")
        self._uptime = str(root / "proc/uptime")
        self._utmp = str(root / "var/run/utmp")

    def sample(self) -> list[Point]:
        """One point."""
        load1, load5, load15 = read_kernel_file(self._loadavg).split()[:3]
        uptime = read_kernel_file(self._uptime).split()[0]
        time_ns = time.time_ns()
        users = self._read_users()
        point = System(
            host=self.host,
            load1=float(load1),
            load5=float(load5),
            load15=float(load15),
            n_cpus=os.sysconf("SC_NPROCESSORS_ONLN"),
            uptime=int(float(uptime)),
            n_users=None if users is None else len(users),
            n_unique_users=None if users is None else len(set(users)),
            time=time_ns,
        )
        return [point]

    def _read_users(self) -> list[bytes] | None:
        """The user name of each session, None if unknown."""
        try:
            content = read_kernel_file(self._utmp)
        except KernelFileError:
            return None
        readings = [_parse_records(content, size) for size in _RECORD_BYTES if len(content) % size == 0]
        plausible = [records for records in readings if all(kind <= _LAST_TYPE for kind, _ in records)]
        if not plausible:
            return None
        # If the file fits both sizes, most records are empty in the wrong one.
        records = max(plausible, key=lambda records: sum(kind > 0 for kind, _ in records))
        return [user for kind, user in records if kind == _USER_PROCESS and user]


def _parse_records(content: bytes, size: int) -> list[tuple[int, bytes]]:
    """Type and user of each record."""
    return [
        (
            int.from_bytes(content[start : start + 2], sys.byteorder),
            content[start + 44 : start + 76].rstrip(b"\0"),
        )
        for start in range(0, len(content), size)
    ]
