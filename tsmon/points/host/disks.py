"""Series of file systems and of block devices."""

from tsmon.line_protocol import Tag
from tsmon.points.host.base import HostPoint

__all__ = ["Disk", "DiskIO"]


class Disk(HostPoint, measurement="disk"):
    """Space of a mounted file system."""

    path: Tag[str]
    """Mount point."""
    device: Tag[str]
    """What is mounted, without ``/dev/``; the ``dm-0`` behind a name in ``/dev/mapper``."""
    fstype: Tag[str]
    """Type of the file system."""
    mode: Tag[str]
    """``rw`` or ``ro``."""
    label: Tag[str | None] = None
    """Name in ``/dev/mapper``, where the device is one of the device mapper's."""
    total: int
    """Size, in bytes."""
    free: int
    """Free for ordinary users, in bytes."""
    used: int
    """Used, in bytes; with free, less than total by what is reserved for root."""
    used_percent: float | None = None
    """Used, in percent of used and free, as ``df`` has it."""
    inodes_total: int | None = None
    """Number of inodes; none where the file system makes them as needed."""
    inodes_free: int | None = None
    """Number of free inodes."""
    inodes_used: int | None = None
    """Number of used inodes."""
    inodes_used_percent: float | None = None
    """Used, in percent of all inodes."""


class DiskIO(HostPoint, measurement="diskio"):
    """Work of a block device since boot, and how busy it was since the reading before."""

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
    """Time that reads took, summed over them, in milliseconds; starts anew after 2^32."""
    write_time: int
    """Time that writes took, summed over them, in milliseconds; starts anew after 2^32."""
    io_time: int
    """Time with requests under way, in milliseconds; starts anew after 2^32."""
    weighted_io_time: int
    """Time with requests under way, times their number, in milliseconds; starts anew after 2^32."""
    iops_in_progress: int
    """Number of requests under way now."""
    merged_reads: int
    """Number of reads that were joined to others before they reached the device."""
    merged_writes: int
    """Number of writes that were joined to others before they reached the device."""
    io_util: float | None = None
    """Time with requests under way, in percent of the interval."""
    io_await: float | None = None
    """Mean time of a request that was completed in the interval, in milliseconds; none without one."""
