"""What every web framework's middleware does with a request: one way for all of them.

Whoever answers the request may add to its points: :func:`set_error_code` and :func:`set_route` here, tags and
fields by :func:`tsmon.work.current_work`, times by :class:`tsmon.work.timed`.
"""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Final, cast

from tsmon.integrations.request_summaries import RequestSummaries, RouteSampling
from tsmon.line_protocol import compile_encoder
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor import source
from tsmon.monitor.emitter import Emitter
from tsmon.points import Point, Request, RequestError, format_route
from tsmon.work.in_progress import InProgressCounter
from tsmon.work.work_data import WorkData, begin_work, current_work, end_work, reset_work

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

__all__ = [
    "CLIENT_CLOSED_REQUEST",
    "REQUEST_ID_HEADER",
    "UNMATCHED",
    "OpenRequest",
    "RequestRecorder",
    "parse_error_code",
    "parse_request_id",
    "set_error_code",
    "set_route",
]

UNMATCHED: Final = "unmatched"
"""Resource of requests that no route matched: one constant, since their paths are anybody's choice."""

METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods of RFC 9110 and RFC 5789; others share the name OTHER."""

CLIENT_CLOSED_REQUEST: Final = 499
"""Status recorded of a request that was cancelled, as nginx has it for clients that left."""

REQUEST_ID_HEADER: Final = "X-Request-ID"

MAX_REQUEST_ID: Final = 128

MAX_ROUTES: Final = 4_096


class OpenRequest(WorkData):
    """A request that is being answered: when it began, and what its points are to hold besides."""

    __slots__ = (
        "_token",
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
    """When processing started, in nanoseconds, as a line holds it."""
    counter: float
    """A reading of the performance counter at that time."""
    error_code: object
    """The application's own code of the error."""
    resource: str | None
    """The route's template, where the application or its framework told it."""
    elapsed_s: float
    """From the start to the end of processing; this and what follows is known at the end."""
    method: str
    status: int
    request_id: str | None
    _token: "Token[WorkData | None] | None"

    @property
    def time_ns(self) -> int:
        """When processing started."""
        return int(self.time_text)


class _Row:
    """What a :class:`~tsmon.points.Request` holds, and encoded as one; it can be filled again and again."""

    __slots__ = ("execution_time", "fields", "request_id", "route", "service", "status_code", "tags", "time_text")
    __declaration__ = Request.__declaration__
    __encoder_factory__ = compile_encoder(Request.__declaration__, time_text="time_text")
    __stands_for__ = Request

    time_text: str
    service: str | None
    route: str
    status_code: int
    request_id: str
    execution_time: float
    tags: None
    fields: dict[str, int] | None

    @property
    def time(self) -> int:
        return int(self.time_text)


_new = object.__new__


def set_error_code(code: int) -> None:
    """Give the application's own code of the error that the present request ends with.

    Outside of any request this does nothing.
    """
    request = _present()
    if request is not None:
        request.error_code = code


def set_route(resource: str) -> None:
    """Give the template of the present request's route, such as ``/users/{id}``, where no framework does."""
    request = _present()
    if request is not None:
        request.resource = resource


def _present() -> OpenRequest | None:
    """The request that is being answered, also from within work that is a part of it."""
    work = current_work()
    while work is not None and not isinstance(work, OpenRequest):
        work = work.outer
    return work


class RequestRecorder:
    """Emits a ``requests`` point for each request and an ``errors`` point for each failed one; never raises.

    They are emitted a few dozen at a time, at the latest before the next flush, as in a row each costs less.
    Statuses from ``errors_from`` on are errors. Call :meth:`begin` and, in the same context, :meth:`end`.

    For routes that the settings name, requests are summed up from flush to flush (``summarize_routes``), or one in
    many is kept, with its number in the field ``weight`` (``sample_routes``); failed ones are all kept.
    """

    def __init__(self, monitor: Emitter, *, service: str | None = None, errors_from: int = 400) -> None:
        self.enabled = monitor.settings.enabled
        """False where the settings switch tsmon off: then there is nothing to record."""
        self._clock = monitor.clock
        self._emit = cast("Callable[[Point | _Row], None]", monitor.emit)
        self._service = service
        self._errors_from = errors_from
        self._log = RateLimitedLog()
        self._progress = InProgressCounter(monitor, "requests", service=service)
        self._inside = self._progress.inside
        self._thinning = RouteSampling(monitor.settings.summarize_routes, monitor.settings.sample_routes)
        self._routes: dict[tuple[str, str | None], tuple[str, int]] = {}
        self._summaries = RequestSummaries(service)
        self._waiting: deque[OpenRequest] = deque()
        self._max_waiting = source.MAX_HELD
        monitor.add_source(self)
        self.failures = 0
        """Requests that could not be recorded."""

    @property
    def in_progress(self) -> int:
        """Requests that are being answered now."""
        return self._progress.count

    def begin(self) -> OpenRequest:
        """A request has come; what is done for it from now on may add to its points."""
        # Every call saved here is a tenth of what a request costs.
        request = _new(OpenRequest)
        request._tags = request._fields = request.outer = request.error_code = request.resource = None  # noqa: SLF001
        inside = self._inside
        inside.append(None)
        if len(inside) > self._progress.highest:
            self._progress.highest = len(inside)
        request._token = begin_work(request)  # noqa: SLF001
        try:
            request.time_text = next(self._clock.ticks)
        except Exception:
            request.time_text = self._time_text()
        request.counter = perf_counter()
        return request

    def _time_text(self) -> str:
        try:
            return self._clock.text()
        except Exception:
            return str(time.time_ns())

    def leave(self, request: OpenRequest) -> None:
        """The code of the request has returned, though its body may still be sent; :meth:`end` does it too."""
        token = request._token  # noqa: SLF001
        if token is not None:
            request._token = None  # noqa: SLF001
            end_work(token)

    def end(
        self,
        request: OpenRequest,
        method: str,
        resource: str | None,
        status: int,
        error: BaseException | None = None,
        request_id: str | None = None,
    ) -> None:
        """Take what the request was. ``resource`` is its route's template; None where no route matched.

        The error code is the one set by the application, else the int attribute ``error_code`` of ``error``,
        else the status.
        """
        request.elapsed_s = perf_counter() - request.counter
        try:  # noqa: SIM105 (suppress() costs as much as half of this method)
            self._inside.pop()
        except IndexError:
            pass  # It began in the process that this one was forked from.
        token = request._token  # noqa: SLF001
        if token is not None:
            request._token = None  # noqa: SLF001
            try:
                reset_work(token)
            except ValueError:
                begin_work(None)
        request.method = method
        request.resource = request.resource or resource
        request.status = status
        request.request_id = request_id
        if error is not None:
            self._take_code(request, error)
        waiting = self._waiting
        waiting.append(request)
        if len(waiting) >= self._max_waiting:
            self._emit_waiting()

    def collect(self) -> Iterable[Point]:
        """See :class:`tsmon.monitor.source.Source`."""
        self._emit_waiting()
        return self._summaries.collect()

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._waiting.clear()
        self._summaries.forget()

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._max_waiting = 1

    def _emit_waiting(self) -> None:
        row = _Row()
        row.service = self._service
        row.tags = None
        while self._waiting:
            try:
                self._emit_points(self._waiting.popleft(), row)
            except IndexError:
                return  # Another thread took it.
            except Exception as failure:
                self.failed(failure)

    def _emit_points(self, request: OpenRequest, row: _Row) -> None:
        status = request.status
        key = request.method, request.resource
        route, one_in = self._routes.get(key) or self._add_route(*key)
        identity = (parse_request_id(request.request_id) if request.request_id else None) or request.time_text
        failed = status >= self._errors_from
        if one_in == 0:
            self._summaries.add(route, status, request.elapsed_s)
        elif one_in == 1 or failed or self._thinning.keeps(identity, one_in):
            row.time_text = request.time_text
            row.route = route
            row.status_code = status
            row.request_id = identity
            row.execution_time = request.elapsed_s
            row.fields = None if one_in == 1 or failed else {"weight": one_in}
            self._emit(request.merge_into(_point(row)) if request._tags or request._fields else row)  # noqa: SLF001
        if failed:
            code = parse_error_code(request.error_code)
            problem = RequestError(
                time=request.time_ns,
                service=self._service,
                route=route,
                status_code=status,
                error_code=status if code is None else code,
                request_id=identity,
            )
            self._emit(request.merge_into(problem))

    @staticmethod
    def _take_code(request: OpenRequest, error: BaseException) -> None:
        """The code of an exception, unless the application gave one; the exception itself is not kept."""
        with suppress(Exception):
            if parse_error_code(request.error_code) is None:
                request.error_code = getattr(error, "error_code", None)

    def _add_route(self, method: str, resource: str | None) -> tuple[str, int]:
        """Remember a route, and how many of its requests are kept; names come from outside, so not for ever."""
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
        route = format_route(method if method in METHODS else "OTHER", resource or UNMATCHED)
        self._routes[method, resource] = found = route, self._thinning.one_in(route)
        return found

    def failed(self, error: Exception) -> None:
        """Count a request that could not be recorded, and log it at a limited rate."""
        self.failures += 1
        self._log.warning("request", f"a request could not be recorded ({self.failures} so far): {error}")


def _point(row: _Row) -> Request:
    return Request(
        time=row.time,
        service=row.service,
        route=row.route,
        status_code=row.status_code,
        request_id=row.request_id,
        execution_time=row.execution_time,
        fields=row.fields,
    )


def parse_request_id(header: str | None) -> str | None:
    """The request's own identifier where it is printable and of reasonable length, else None."""
    if header and len(header) <= MAX_REQUEST_ID and header.isprintable():
        return header
    return None


def parse_error_code(code: object) -> int | None:
    """An error code as a plain int, members of an ``IntEnum`` too; None for what is no 64-bit integer."""
    if isinstance(code, int) and not isinstance(code, bool) and MIN_INT64 <= code <= MAX_INT64:
        return int(code)
    return None
