"""Space of mounted file systems, from statvfs(3)."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import Disk
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT
from tsmon_agent.host.samplers.mount_table import Mount, MountTable
from tsmon_agent.host.samplers.mount_usage import MountUsage
from tsmon_agent.host.samplers.name_filter import Selection
from tsmon_agent.host.samplers.tag_values import tag_value
from tsmon_agent.settings import AgentSettings

__all__ = ["DiskOptions", "DiskSampler"]

_log = logging.getLogger("tsmon_agent")

LONGEST_STATVFS_S: Final = 2.0

_INT64: Final = 2**63


@dataclass(frozen=True, slots=True)
class DiskOptions(Options):
    """Which file systems to report.

    ``mount_points``: paths or patterns, regardless of type; None: all except the types in ``ignore_fs``. An overlay
    mounted at ``/`` is reported: it is the only disk of a container. ``timeout_s`` limits the call for each file
    system.
    """

    mount_points: tuple[str, ...] | None = None
    ignore_fs: tuple[str, ...] = ("tmpfs", "devtmpfs", "devfs", "iso9660", "overlay", "aufs", "squashfs")
    timeout_s: float = LONGEST_STATVFS_S


class DiskSampler(Sampler):
    """One point per file system that has a size; those that do not answer are left out (:attr:`stale`).

    Automount points are never queried, since that would mount them. File systems whose size exceeds 64-bit
    integers, as some remote ones report for "unlimited", count as having none.
    """

    name: ClassVar[str] = "disk"
    options_type: ClassVar[type[Options]] = DiskOptions

    def __init__(
        self,
        host: str,
        options: DiskOptions | None = None,
        *,
        root: Path = ROOT,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
    ) -> None:
        super().__init__(host, options)
        chosen = options or DiskOptions()
        self._selection = (
            None
            if chosen.mount_points is None
            else Selection("mount point", [path.rstrip("/") or "/" for path in chosen.mount_points])
        )
        self._ignored = frozenset((*chosen.ignore_fs, "autofs"))
        self._table = MountTable(root=root)
        self._usage = MountUsage(chosen.timeout_s, statvfs=statvfs)
        self._seen: tuple[Mount, ...] | None = None
        self._mounts: list[Mount] = []
        self._failed: set[int] = set()

    @classmethod
    def options_from(cls, settings: AgentSettings) -> DiskOptions:
        """See :meth:`Sampler.options_from`."""
        return DiskOptions(
            mount_points=None if settings.disks is None else tuple(settings.disks),
            # Queries take at most twice as long, which is still less than the time limit of a round.
            timeout_s=min(LONGEST_STATVFS_S, 0.4 * settings.time_limit),
        )

    @property
    def stale(self) -> tuple[str, ...]:
        """Mount points that do not answer now."""
        return self._usage.stale

    def sample(self) -> list[Point]:
        """One point per file system."""
        mounts = self._table.mounts()
        if mounts is not self._seen:
            self._seen = mounts
            self._mounts = [mount for mount in mounts if self._is_selected(mount)]
            self._failed.clear()
            if self._selection is not None:
                self._selection.log_unmatched()
        usages = self._usage.query(self._mounts)
        time_ns = time.time_ns()
        points: list[Point] = []
        sizeless = set()
        for mount in self._mounts:
            usage = usages.get(mount.mount_id)
            if isinstance(usage, OSError):
                self._log_failure(mount, usage)
            elif usage is not None:
                if 0 < usage.f_blocks * usage.f_frsize < _INT64:
                    points.append(self._build_point(mount, usage, time_ns))
                else:
                    sizeless.add(mount.mount_id)
        if sizeless:
            # /proc, cgroups and the like: not queried again until the table changes.
            self._mounts = [mount for mount in self._mounts if mount.mount_id not in sizeless]
        return points

    def _is_selected(self, mount: Mount) -> bool:
        if mount.fstype == "autofs":
            return False
        if self._selection is not None:
            return mount.path in self._selection
        return mount.fstype not in self._ignored or (mount.path == "/" and mount.fstype == "overlay")

    def _build_point(self, mount: Mount, usage: os.statvfs_result, time_ns: int) -> Disk:
        free = usage.f_bavail * usage.f_frsize
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        inodes = usage.f_files if 0 < usage.f_files < _INT64 and usage.f_ffree <= usage.f_files else None
        inodes_used = None if inodes is None else inodes - usage.f_ffree
        return Disk(
            host=self.host,
            path=tag_value(mount.path),
            device=tag_value(mount.device),
            fstype=tag_value(mount.fstype),
            mode=mount.mode,
            label=None if mount.label is None else tag_value(mount.label),
            total=usage.f_blocks * usage.f_frsize,
            free=free,
            used=used,
            used_percent=100 * used / (used + free) if used + free > 0 else None,
            inodes_total=inodes,
            inodes_free=None if inodes is None else usage.f_ffree,
            inodes_used=inodes_used,
            inodes_used_percent=None if inodes_used is None or inodes is None else 100 * inodes_used / inodes,
            time=time_ns,
        )

    def _log_failure(self, mount: Mount, error: OSError) -> None:
        if mount.mount_id not in self._failed:
            self._failed.add(mount.mount_id)
            _log.info(
                "the space of the file system at %s cannot be read (%s); it is left out",
                tag_value(mount.path),
                error.strerror,
            )
