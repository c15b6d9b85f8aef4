"""A request while it is being answered, and what its code may set about it from anywhere."""

from typing import TYPE_CHECKING, Any

from tsmon.integrations.fitting import to_text
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64
from tsmon.work.work_data import WorkData, current_work

if TYPE_CHECKING:
    from contextvars import Token

__all__ = ["OpenRequest", "parse_error_code", "set_error_code", "set_route"]


class OpenRequest(WorkData):
    """A request that is being answered: when it began, and what its points will hold in addition."""

    __slots__ = (
        "_token",
        "column_values",
        "counter",
        "elapsed_s",
        "error_code",
        "method",
        "request_id",
        "resource",
        "status",
        "time_text",
    )

    time_text: str
    """Time at which processing started, in nanoseconds, as the text of a line."""
    counter: float
    """Reading of the performance counter at that time."""
    error_code: object
    """The application's own code of the error."""
    resource: str | None
    """Template of the route, set by the application or its framework."""
    elapsed_s: float
    """Seconds from the start to the end of processing; known at the end, as are all that follow."""
    method: str
    status: int
    request_id: str | None
    column_values: dict[str, Any]
    """Values of added columns, by attribute; set only if the recorder was given functions for them."""
    _token: "Token[WorkData | None] | None"

    @property
    def time_ns(self) -> int:
        """Time at which processing started."""
        return int(self.time_text)


def set_error_code(code: int) -> None:
    """Set the application's own code of the error with which the current request ends.

    Outside any request this does nothing.
    """
    request = _current_request()
    if request is not None:
        request.error_code = code


def set_route(resource: str) -> None:
    """Set the template of the current request's route, such as ``/users/{id}``, if no framework does.

    Outside any request this does nothing.
    """
    request = _current_request()
    if request is not None:
        request.resource = to_text(resource)


def parse_error_code(code: object) -> int | None:
    """Return an error code, members of an ``IntEnum`` included, as a plain int; None if it is no 64-bit integer."""
    if isinstance(code, int) and not isinstance(code, bool) and MIN_INT64 <= code <= MAX_INT64:
        return int(code)
    return None


def _current_request() -> OpenRequest | None:
    """Return the request that is being answered, also from within work that is a part of it."""
    work = current_work()
    while work is not None and not isinstance(work, OpenRequest):
        work = work.outer
    return work
