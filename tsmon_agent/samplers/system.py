"""Load, users and uptime, from /proc/loadavg, /proc/uptime and utmp."""

import os
import time
from pathlib import Path
from typing import ClassVar, Final

import psutil

from tsmon.points import Point
from tsmon.points.host import System
from tsmon_agent.samplers.base import Options, Sampler
from tsmon_agent.samplers.kernel_files import PROC, read_kernel_file

__all__ = ["SystemSampler"]

_UTMP: Final = Path("/var/run/utmp")


class SystemSampler(Sampler):
    """One point; users are counted again when utmp has changed, and left out on hosts without one."""

    name: ClassVar[str] = "system"

    def __init__(self, host: str, options: Options | None = None, *, proc: Path = PROC, utmp: Path = _UTMP) -> None:
        super().__init__(host, options)
        self._loadavg = f"{proc}/loadavg"
        self._uptime = f"{proc}/uptime"
        self._utmp = str(utmp)
        self._utmp_state: tuple[int, int, int] | None = None
        self._users: tuple[int | None, int | None] = (None, None)

    def sample(self) -> list[Point]:
        """One point."""
        load1, load5, load15 = read_kernel_file(self._loadavg).split()[:3]
        uptime = read_kernel_file(self._uptime).split()[0]
        time_ns = time.time_ns()
        n_users, n_unique_users = self._count_users()
        point = System(
            host=self.host,
            load1=float(load1),
            load5=float(load5),
            load15=float(load15),
            n_cpus=os.sysconf("SC_NPROCESSORS_ONLN"),
            uptime=int(float(uptime)),
            n_users=n_users,
            n_unique_users=n_unique_users,
            time=time_ns,
        )
        return [point]

    def _count_users(self) -> tuple[int | None, int | None]:
        try:
            found = os.stat(self._utmp)  # noqa: PTH116
        except OSError:
            return None, None
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if state != self._utmp_state:
            names = [user.name for user in psutil.users()]
            self._users = len(names), len(set(names))
            self._utmp_state = state
        return self._users
