"""Series of work in progress."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["InProgress"]


class InProgress(ServicePoint, measurement="in_progress"):
    """How much work of one kind is in progress; written at a flush if that has changed."""

    kind: Tag[str]
    """What is counted: ``requests``, or a name that the service has chosen."""
    count: int
    """Pieces of work in progress at this time."""
    highest: int
    """The highest count since the previous point."""
