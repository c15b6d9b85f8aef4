"""HostPoint, the base of the series that an agent writes about its host."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["HostPoint"]


class HostPoint(Point):
    """A point about a host; measurements, tags and fields are named and typed as Telegraf's inputs on Linux.

    Telegraf's unsigned counters are written as signed integers here, and what a kernel does not offer is left
    out where Telegraf writes zero or -1.
    """

    host: Tag[str]
    """Name of the host."""
