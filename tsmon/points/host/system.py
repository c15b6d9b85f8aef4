"""Series of the host as a whole: load, users, uptime."""

from tsmon.points.host.base import HostPoint

__all__ = ["System"]


class System(HostPoint, measurement="system"):
    """Load, users and uptime."""

    load1: float
    """Mean number of processes that ran or waited for a disk, over 1 minute."""
    load5: float
    """The mean over 5 minutes."""
    load15: float
    """The mean over 15 minutes."""
    n_cpus: int
    """Number of online processors."""
    uptime: int
    """Time since boot, in whole seconds."""
    n_users: int | None = None
    """Number of sessions of logged-in users; left out if the host has no utmp."""
    n_unique_users: int | None = None
    """Number of logged-in users; left out if the host has no utmp."""
