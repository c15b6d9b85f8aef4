"""Series of HTTP requests: one point for every request, and one more for each that failed."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["Request", "RequestError", "RequestSummary", "format_route"]


def format_route(method: str, resource: str) -> str:
    """Format the value of the route tag: ``format_route("GET", "/version")`` is ``"GET:/version"``."""
    return f"{method}:{resource}"


class Request(ServicePoint, measurement="requests"):
    """An HTTP request, failed or not; its time is when processing started."""

    route: Tag[str]
    """Method and resource, joined by :func:`format_route`."""
    status_code: Tag[int]
    """HTTP status of the response."""
    request_id: str
    """Identifier of the request."""
    execution_time: float
    """From the start of processing until the response had been sent, in seconds."""


class RequestError(ServicePoint, measurement="errors"):
    """An HTTP request that failed; its time is that of its :class:`Request`."""

    route: Tag[str]
    """Method and resource, joined by :func:`format_route`."""
    status_code: Tag[int]
    """HTTP status of the response."""
    error_code: Tag[int]
    """The application's own code of the error, else the status."""
    request_id: str
    """Identifier of the request."""


class RequestSummary(ServicePoint, measurement="requests_summary"):
    """The requests of one route and status from one flush to the next, for routes too busy for a point each."""

    route: Tag[str]
    """Method and resource, joined by :func:`format_route`."""
    status_code: Tag[int]
    """HTTP status of the responses."""
    count: int
    """Number of requests."""
    sum: float
    """Sum of their execution times, in seconds."""
    min: float
    """The shortest execution time, in seconds."""
    max: float
    """The longest execution time, in seconds."""
    p50: float
    """Median of the execution times, in seconds, within 1 %."""
    p90: float
    """90th percentile of the execution times, in seconds, within 1 %."""
    p99: float
    """99th percentile of the execution times, in seconds, within 1 %."""
    sketch: str
    """The distribution of the execution times, which merges over periods and hosts: see tsmon.sketch.Sketch."""
