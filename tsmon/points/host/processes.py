"""Series of processes, counted by state."""

from tsmon.points.host.base import HostPoint

__all__ = ["Processes"]


class Processes(HostPoint, measurement="processes"):
    """Number of processes in each state of /proc/<pid>/stat, and of their threads."""

    running: int
    """Running or ready to run (R)."""
    sleeping: int
    """Waiting for an event (S)."""
    blocked: int
    """In uninterruptible sleep, usually waiting for a disk (D)."""
    zombies: int
    """Ended, and not yet reaped by the parent (Z)."""
    stopped: int
    """Stopped by a signal or a debugger (T, t)."""
    dead: int
    """Dead, about to be removed (X, x)."""
    paging: int
    """Paging (W); kernels before 2.6."""
    idle: int
    """Idle kernel threads (I); Linux 4.14 and newer."""
    parked: int
    """Parked kernel threads (P)."""
    unknown: int
    """In another state, or in one that could not be read."""
    total: int
    """All processes."""
    total_threads: int | None = None
    """Threads of all processes; left out if some could not be read."""
