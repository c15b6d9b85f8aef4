"""Series of the log records of a service."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["Log"]


class Log(ServicePoint, measurement="logs"):
    """One log record; its time is when it was created."""

    level: Tag[str]
    """Name of its level: DEBUG, INFO, WARNING, ERROR, CRITICAL, or one that the program defines."""
    logger: Tag[str]
    """Name of the logger."""
    message: str
    """The message with its arguments filled in; cut if it is very long."""
    file: str
    """Path of the source file that logged the record."""
    line: int
    """Line in that file."""
    function: str
    """Name of the function that logged the record."""
    thread: str
    """Name of the thread that logged the record."""
    exception: str | None = None
    """Class of the exception that was logged with the record."""
    traceback: str | None = None
    """Traceback of that exception; only its end is kept if it is very long."""
