"""CPU time by state, in percent, from /proc/stat."""

import time
from dataclasses import dataclass
from operator import sub
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import Cpu
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, read_kernel_file
from tsmon_agent.settings import AgentSettings

__all__ = ["CpuOptions", "CpuSampler"]

_COLUMNS: Final = 10
"""user nice system idle iowait irq softirq steal guest guest_nice, in ticks; since Linux 2.6.33."""


@dataclass(frozen=True, slots=True)
class CpuOptions(Options):
    """Which points to return: one per processor, one for all processors."""

    percpu: bool = True
    totalcpu: bool = True


class CpuSampler(Sampler):
    """Percentages between two readings; the first round has none, unless :meth:`prime` was called before.

    The kernel's idle and I/O-wait times occasionally decrease slightly; a decrease counts as zero. A processor that
    has just come online, or had no tick since the last reading, is left out.
    """

    name: ClassVar[str] = "cpu"
    options_type: ClassVar[type[Options]] = CpuOptions

    def __init__(self, host: str, options: CpuOptions | None = None, *, root: Path = ROOT) -> None:
        super().__init__(host, options)
        chosen = options or CpuOptions()
        self._percpu = chosen.percpu
        self._totalcpu = chosen.totalcpu
        self._path = str(root / "proc/stat")
        self._before: dict[str, list[int]] = {}

    @classmethod
    def options_from(cls, settings: AgentSettings) -> CpuOptions:
        """See :meth:`Sampler.options_from`."""
        return CpuOptions(percpu=settings.percpu)

    def prime(self) -> None:
        """Take the first reading."""
        self._before = self._read()

    def sample(self) -> list[Point]:
        """One point per processor and one for all, over the time since the previous reading."""
        before = self._before
        self._before = now = self._read()
        time_ns = time.time_ns()
        points: list[Point] = []
        for cpu, ticks in now.items():
            if (earlier := before.get(cpu)) is None:
                continue
            spent = list(map(sub, ticks, earlier))
            if min(spent) < 0:
                spent = [max(0, ticks) for ticks in spent]
            if total := sum(spent[:8]):
                points.append(self._point(cpu, spent, 100 / total, time_ns))
        return points

    def _point(self, cpu: str, spent: list[int], percent: float, time_ns: int) -> Cpu:
        user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice = spent
        return Cpu(
            host=self.host,
            cpu=cpu,
            # The kernel counts guest time twice: as guest and as user (or nice) time.
            usage_user=max(0, user - guest) * percent,
            usage_system=system * percent,
            usage_idle=idle * percent,
            usage_nice=max(0, nice - guest_nice) * percent,
            usage_iowait=iowait * percent,
            usage_irq=irq * percent,
            usage_softirq=softirq * percent,
            usage_steal=steal * percent,
            usage_guest=guest * percent,
            usage_guest_nice=guest_nice * percent,
            time=time_ns,
        )

    def _read(self) -> dict[str, list[int]]:
        ticks = {}
        for line in read_kernel_file(self._path).split(b"\n"):
            if not line.startswith(b"cpu"):
                break
            columns = line.split()
            if len(columns) <= _COLUMNS:
                continue
            if columns[0] == b"cpu":
                if self._totalcpu:
                    ticks["cpu-total"] = [int(column) for column in columns[1 : _COLUMNS + 1]]
            elif self._percpu:
                ticks[columns[0].decode()] = [int(column) for column in columns[1 : _COLUMNS + 1]]
            else:
                break
        return ticks
