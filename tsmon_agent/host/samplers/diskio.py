"""I/O of block devices, from /proc/diskstats."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import DiskIO
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, read_kernel_file
from tsmon_agent.host.samplers.name_filter import Selection
from tsmon_agent.host.samplers.tag_values import tag_value
from tsmon_agent.settings import AgentSettings

__all__ = ["DiskIOOptions", "DiskIOSampler"]

_SECTOR_BYTES: Final = 512
"""Unit of /proc/diskstats, regardless of the sector size of the device."""

_COLUMNS: Final = 11
"""Number of figures used, see Documentation/admin-guide/iostats.rst; newer kernels append more."""


@dataclass(frozen=True, slots=True)
class DiskIOOptions(Options):
    """``devices``: names or patterns (``sda``, ``nvme*``), with or without ``/dev/``.

    None: all devices and partitions that have had any I/O, which leaves out idle ``loop``, ``ram`` and ``nbd``
    devices.
    """

    devices: tuple[str, ...] | None = None


class DiskIOSampler(Sampler):
    """One point per device: counters always, utilisation and mean request time from the second reading on.

    A round in which a counter decreased (by overflow, or because the device was replaced) has counters only.
    """

    name: ClassVar[str] = "diskio"
    options_type: ClassVar[type[Options]] = DiskIOOptions

    def __init__(
        self,
        host: str,
        options: DiskIOOptions | None = None,
        *,
        root: Path = ROOT,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(host, options)
        devices = (options or DiskIOOptions()).devices
        self._selection = (
            None
            if devices is None
            else Selection("block device", [device.removeprefix("/dev/") for device in devices])
        )
        self._path = str(root / "proc/diskstats")
        self._monotonic_ns = monotonic_ns
        self._before: dict[str, list[int]] = {}
        self._before_ns = 0

    @classmethod
    def options_from(cls, settings: AgentSettings) -> DiskIOOptions:
        """See :meth:`Sampler.options_from`."""
        return DiskIOOptions(devices=None if settings.devices is None else tuple(settings.devices))

    def prime(self) -> None:
        """Take the first reading."""
        self._before = self._read()
        self._before_ns = self._monotonic_ns()

    def sample(self) -> list[Point]:
        """One point per device."""
        before, before_ns = self._before, self._before_ns
        self.prime()
        interval_ns = self._before_ns - before_ns
        time_ns = time.time_ns()
        return [
            self._build_point(device, figures, before.get(device), interval_ns, time_ns)
            for device, figures in self._before.items()
        ]

    def _build_point(
        self, device: str, figures: list[int], before: list[int] | None, interval_ns: int, time_ns: int
    ) -> DiskIO:
        (
            reads,
            merged_reads,
            sectors_read,
            read_time,
            writes,
            merged_writes,
            sectors_written,
            write_time,
            in_progress,
            io_time,
            weighted_io_time,
        ) = figures
        io_util, io_await = (None, None) if before is None else _compute_rates(figures, before, interval_ns)
        return DiskIO(
            host=self.host,
            name=tag_value(device),
            reads=reads,
            writes=writes,
            read_bytes=sectors_read * _SECTOR_BYTES,
            write_bytes=sectors_written * _SECTOR_BYTES,
            read_time=read_time,
            write_time=write_time,
            io_time=io_time,
            weighted_io_time=weighted_io_time,
            iops_in_progress=in_progress,
            merged_reads=merged_reads,
            merged_writes=merged_writes,
            io_util=io_util,
            io_await=io_await,
            time=time_ns,
        )

    def _read(self) -> dict[str, list[int]]:
        devices = {}
        for line in read_kernel_file(self._path).split(b"\n"):
            columns = line.split(None, 3 + _COLUMNS)
            if len(columns) < 3 + _COLUMNS:
                continue
            device = columns[2].decode(errors="surrogateescape")
            if self._selection is not None and device not in self._selection:
                continue
            figures = [int(column) for column in columns[3 : 3 + _COLUMNS]]
            if self._selection is not None or any(figures):
                devices[device] = figures
        if self._selection is not None:
            self._selection.log_unmatched()
        return devices


def _compute_rates(figures: list[int], before: list[int], interval_ns: int) -> tuple[float | None, float | None]:
    """Utilisation in percent and mean request time in milliseconds; None where the interval does not allow it."""
    increases = [now - earlier for now, earlier in zip(figures, before, strict=True)]
    reads, _, _, read_time, writes, _, _, write_time, _, io_time, _ = increases
    if min(reads, read_time, writes, write_time, io_time) < 0 or interval_ns <= 0:
        return None, None
    completed = reads + writes
    return 100 * io_time * 1e6 / interval_ns, (read_time + write_time) / completed if completed else None
