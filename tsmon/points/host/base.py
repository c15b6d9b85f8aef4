"""HostPoint, the base of the series that an agent writes about its host."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["HostPoint"]


class HostPoint(Point):
    """A point about a host; measurements, tags and fields have the names and types of Telegraf's inputs on Linux.

    There are two differences: Telegraf's unsigned counters are signed integers here, and what a kernel does not
    report is left out, while Telegraf writes zero or -1.
    """

    host: Tag[str]
    """Name of the host."""
