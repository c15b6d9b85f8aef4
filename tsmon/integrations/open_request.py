"""A request while it is being answered, and what its code may set about it from anywhere.

What is set after the response has been sent belongs to the work in the background, which may go on.
"""

from typing import TYPE_CHECKING, Any

from tsmon.integrations.fitting import to_text
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64
from tsmon.threads.locks import raise_interruption
from tsmon.work.work_data import WorkData, current_work

if TYPE_CHECKING:
    from contextvars import Token

__all__ = ["BackgroundData", "OpenRequest", "parse_error_code", "set_error_code", "set_route"]


class CodedWork(WorkData):
    """Work that may end with the application's own code of an error."""

    __slots__ = ("error_code",)

    error_code: object
    """That code."""

    def take_error_code(self, error: BaseException) -> None:
        """Keep the code of an exception, unless the application set one; do not keep the exception itself."""
        try:
            if parse_error_code(self.error_code) is None:
                self.error_code = getattr(error, "error_code", None)
        except Exception as failure:
            raise_interruption(failure)


class OpenRequest(CodedWork):
    """A request that is being answered: when it began, and what its points will hold in addition."""

    __slots__ = (
        "_background",
        "_token",
        "column_values",
        "counter",
        "elapsed_s",
        "has_ended",
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
    resource: str | None
    """Template of the route, set by the application or its framework."""
    has_ended: bool
    """Whether the client has its response; data that come later are the background's."""
    elapsed_s: float
    """Seconds from the start to the end of processing; known at the end, as are all that follow."""
    method: str
    status: int
    request_id: str | None
    column_values: dict[str, Any]
    """Values of added columns, by attribute; set only if the recorder was given functions for them."""
    _token: "Token[WorkData | None] | None"
    _background: "BackgroundData | None"

    @property
    def tags(self) -> dict[str, Any]:
        """Tags of the request, or of the work in the background that follows it."""
        return self.background.tags if self.has_ended else super().tags

    @property
    def fields(self) -> dict[str, Any]:
        """Fields of the request, or of the work in the background that follows it."""
        return self.background.fields if self.has_ended else super().fields

    @property
    def background(self) -> "BackgroundData":
        """Data of the work after the response; made when they are first needed."""
        if self._background is None:
            self._background = BackgroundData()
        return self._background

    @property
    def time_ns(self) -> int:
        """Time at which processing started."""
        return int(self.time_text)


class BackgroundData(CodedWork):
    """Data of what the application does for a request after its response."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.error_code = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been set."""
        return not self._tags and not self._fields and self.error_code is None


def set_error_code(code: int) -> None:
    """Set the application's own code of the error with which the current request ends.

    Outside any request this does nothing.
    """
    request = _current_request()
    if request is None:
        return
    if request.has_ended:
        request.background.error_code = code
    else:
        request.error_code = code


def set_route(resource: str) -> None:
    """Set the template of the current request's route, such as ``/users/{id}``, if no framework does.

    Outside any request this does nothing.
    """
    request = _current_request()
    if request is not None and not request.has_ended:
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
