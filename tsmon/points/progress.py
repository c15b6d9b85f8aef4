"""Series of work that is being done at a time."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["InProgress"]


class InProgress(ServicePoint, measurement="in_progress"):
    """How much work of one kind is being done; written at a flush, when it has changed."""

    kind: Tag[str]
    """What is counted: ``requests``, or a name of the service's own."""
    count: int
    """Pieces of work that are being done at this time."""
    highest: int
    """The most of them since the last such point."""
