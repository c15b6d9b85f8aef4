"""Series of network interfaces."""

from tsmon.line_protocol import Tag
from tsmon.points.host.base import HostPoint

__all__ = ["Network"]


class Network(HostPoint, measurement="net"):
    """Traffic of a network interface since it was created."""

    interface: Tag[str]
    """Name of the interface, such as ``eth0``."""
    bytes_sent: int
    """Sent, in bytes."""
    bytes_recv: int
    """Received, in bytes."""
    packets_sent: int
    """Number of packets sent."""
    packets_recv: int
    """Number of packets received."""
    err_in: int
    """Number of errors on receiving."""
    err_out: int
    """Number of errors on sending."""
    drop_in: int
    """Number of received packets that were dropped."""
    drop_out: int
    """Number of outgoing packets that were dropped."""
    speed: int | None = None
    """Speed of the link, in Mbit/s; left out if the driver does not report it."""
