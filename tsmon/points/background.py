"""Series of work in the background: what follows the response to an HTTP request."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["BackgroundWork"]


class BackgroundWork(ServicePoint, measurement="requests_background"):
    """What the application did for a request after its response had been sent; its time is when that began.

    The client did not wait for it, so it is no part of the :class:`tsmon.Request`.
    """

    route: Tag[str]
    """Method and resource, joined by :func:`format_route`."""
    status_code: Tag[int]
    """HTTP status of the response that had been sent."""
    outcome: Tag[str]
    """``completed``, ``failed`` or ``cancelled``."""
    error_code: Tag[int | None] = None
    """The application's own code of the error, if there is one."""
    request_id: str
    """Identifier of the request."""
    execution_time: float
    """From the end of the response to the end of the work, in seconds."""
    error: str | None = None
    """Class of the exception with which the work ended, if it failed or was cancelled."""
