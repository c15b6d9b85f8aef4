"""Series of processors: the shares of their time."""

from tsmon.line_protocol import Tag
from tsmon.points.host.base import HostPoint

__all__ = ["Cpu"]


class Cpu(HostPoint, measurement="cpu"):
    """Shares of a processor's time since the previous reading, in percent; they sum to 100."""

    cpu: Tag[str]
    """``cpu0``, ``cpu1``, …, and ``cpu-total`` for all together."""
    usage_user: float
    """Running programs, without guests; percent."""
    usage_system: float
    """Running the kernel; percent."""
    usage_idle: float
    """Idle; percent."""
    usage_nice: float
    """Running programs of lowered priority, without guests; percent."""
    usage_iowait: float
    """Idle while something waited for a block device; percent."""
    usage_irq: float
    """Serving interrupts; percent."""
    usage_softirq: float
    """Serving soft interrupts; percent."""
    usage_steal: float
    """Taken by the hypervisor for others; percent."""
    usage_guest: float
    """Running guests; percent."""
    usage_guest_nice: float
    """Running guests of lowered priority; percent."""
