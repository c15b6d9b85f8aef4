"""Series of file systems and of block devices."""

from tsmon.line_protocol import Tag
from tsmon.points.host.base import HostPoint

__all__ = ["Disk", "DiskIO"]


class Disk(HostPoint, measurement="disk"):
    """Space of a mounted file system."""

    path: Tag[str]
    """Mount point."""
    device: Tag[str]
    """Mounted device, without ``/dev/``; for a name in ``/dev/mapper`` the ``dm-0`` behind it."""
    fstype: Tag[str]
    """Type of the file system."""
    mode: Tag[str]
    """``rw`` or ``ro``."""
    label: Tag[str | None] = None
    """Name in ``/dev/mapper``, if it is a device of the device mapper."""
    total: int
    """Size, in bytes."""
    free: int
    """Free for ordinary users, in bytes."""
    used: int
    """Used, in bytes; used and free together are less than total by the space reserved for root."""
    used_percent: float | None = None
    """Used, in percent of used and free, as ``df`` computes it."""
    inodes_total: int | None = None
    """Number of inodes; left out if the file system creates them as needed."""
    inodes_free: int | None = None
    """Number of free inodes."""
    inodes_used: int | None = None
    """Number of used inodes."""
    inodes_used_percent: float | None = None
    """Used, in percent of all inodes."""


class DiskIO(HostPoint, measurement="diskio"):
    """Work of a block device since boot, and its utilization since the previous reading."""

    name: Tag[str]
    """Name of the device, such as ``sda`` or ``sda1``."""
    reads: int
    """Number of completed reads."""
    writes: int
    """Number of completed writes."""
    read_bytes: int
    """Read, in bytes."""
    write_bytes: int
    """Written, in bytes."""
    read_time: int
    """Sum of the times of all reads, in milliseconds; wraps at 2^32."""
    write_time: int
    """Sum of the times of all writes, in milliseconds; wraps at 2^32."""
    io_time: int
    """Time with requests in progress, in milliseconds; wraps at 2^32."""
    weighted_io_time: int
    """Time with requests in progress, weighted by their number, in milliseconds; wraps at 2^32."""
    iops_in_progress: int
    """Number of requests in progress."""
    merged_reads: int
    """Number of reads that were merged before they reached the device."""
    merged_writes: int
    """Number of writes that were merged before they reached the device."""
    io_util: float | None = None
    """Time with requests in progress, in percent of the interval."""
    io_await: float | None = None
    """Mean time of the requests completed in the interval, in milliseconds; left out if there were none."""
