"""Series of what a service logs."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["Log"]


class Log(ServicePoint, measurement="logs"):
    """One log record; its time is when it was made."""

    level: Tag[str]
    """Name of its level: DEBUG, INFO, WARNING, ERROR, CRITICAL, or one of the program's own."""
    logger: Tag[str]
    """Name of the logger."""
    message: str
    """The message with its arguments in place, cut where it is very long."""
    file: str
    """Path of the source file that logged."""
    line: int
    """Line in that file."""
    function: str
    """Name of the function that logged."""
    thread: str
    """Name of the thread that logged."""
    exception: str | None = None
    """Class of the exception that was logged with it."""
    traceback: str | None = None
    """That exception's traceback, of which the end is kept where it is very long."""
