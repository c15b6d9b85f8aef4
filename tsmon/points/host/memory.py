"""Series of memory and of swap space."""

import msgspec

from tsmon.points.host.base import HostPoint

__all__ = ["Memory", "Swap"]


class Memory(HostPoint, measurement="mem"):
    """Physical memory, as in /proc/meminfo."""

    total: int
    """Usable memory, in bytes."""
    free: int
    """Unused memory, in bytes."""
    available: int | None = None
    """Estimate of the memory that programs can allocate without swapping, in bytes; Linux 3.14 and newer."""
    used: int | None = None
    """Total less free, buffered and cached, in bytes."""
    used_percent: float | None = None
    """Used, in percent of total."""
    available_percent: float | None = None
    """Available, in percent of total."""
    active: int | None = None
    """Recently used, seldom reclaimed, in bytes."""
    buffered: int | None = None
    """Buffers of block devices, in bytes."""
    cached: int | None = None
    """Page cache with reclaimable slab, in bytes."""
    commit_limit: int | None = None
    """Limit on committed memory under strict overcommit, in bytes."""
    committed_as: int | None = None
    """Memory that programs have requested, in bytes."""
    dirty: int | None = None
    """Waiting to be written back to disk, in bytes."""
    high_free: int | None = None
    """Free high memory, in bytes; 32-bit kernels."""
    high_total: int | None = None
    """High memory, in bytes; 32-bit kernels."""
    huge_pages_free: int | None = None
    """Number of free huge pages."""
    huge_page_size: int | None = None
    """Size of a huge page, in bytes."""
    huge_pages_total: int | None = None
    """Number of huge pages in the pool."""
    inactive: int | None = None
    """Less recently used, reclaimed first, in bytes."""
    low_free: int | None = None
    """Free low memory, in bytes; 32-bit kernels."""
    low_total: int | None = None
    """Low memory, in bytes; 32-bit kernels."""
    mapped: int | None = None
    """Files mapped into programs, in bytes."""
    page_tables: int | None = None
    """Page tables, in bytes."""
    shared: int | None = None
    """Shared memory and tmpfs, in bytes."""
    slab: int | None = None
    """Data structures of the kernel, in bytes."""
    sreclaimable: int | None = None
    """Part of slab that can be reclaimed, in bytes."""
    sunreclaim: int | None = None
    """Part of slab that cannot be reclaimed, in bytes."""
    swap_cached: int | None = None
    """In memory and also in swap space, in bytes."""
    swap_free: int | None = None
    """Free swap space, in bytes."""
    swap_total: int | None = None
    """Swap space, in bytes."""
    vmalloc_chunk: int | None = None
    """Largest free block of the vmalloc area, in bytes; zero on newer kernels, which do not compute it."""
    vmalloc_total: int | None = None
    """Size of the vmalloc area, in bytes."""
    vmalloc_used: int | None = None
    """Used part of the vmalloc area, in bytes."""
    write_back_tmp: int | None = None
    """Temporary buffers of FUSE for writing back, in bytes."""
    write_back: int | None = None
    """Being written back to disk, in bytes."""


class Swap(HostPoint, measurement="swap"):
    """Swap space and its traffic."""

    total: int
    """Swap space, in bytes."""
    used: int
    """Used swap space, in bytes."""
    free: int
    """Free swap space, in bytes."""
    used_percent: float | None = None
    """Used, in percent of total; left out on a host without swap space."""
    swapped_in: int | None = msgspec.field(name="in", default=None)
    """Swapped in since boot, in bytes; field ``in``."""
    swapped_out: int | None = msgspec.field(name="out", default=None)
    """Swapped out since boot, in bytes; field ``out``."""
