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
    """Waiting where nothing may interrupt, mostly on disk (D)."""
    zombies: int
    """Ended, and not yet waited for by the parent (Z)."""
    stopped: int
    """Stopped by a signal or a debugger (T, t)."""
    dead: int
    """About to vanish (X, x)."""
    paging: int
    """Paging (W); kernels before 2.6."""
    idle: int
    """Threads of the kernel without work (I); Linux 4.14 and newer."""
    parked: int
    """Threads of the kernel that are set aside (P)."""
    unknown: int
    """In another state, or one that may not be read."""
    total: int
    """All processes."""
    total_threads: int | None = None
    """Threads of all processes; none where some of them may not be read."""
