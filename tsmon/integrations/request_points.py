"""From requests that have ended to points: routes, sampling, summaries, and the classes of the points."""

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from tsmon.integrations.field_kinds import field_kinds_of
from tsmon.integrations.fitting import fit_tag, fit_time, to_text
from tsmon.integrations.open_request import OpenRequest, parse_error_code
from tsmon.integrations.point_builder import Fill, PointBuilder, check_fill
from tsmon.integrations.request_row import RequestRow, make_row_class
from tsmon.integrations.request_summaries import RequestSummaries, RouteSampling
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.emitter import Emitter
from tsmon.points import BackgroundWork, Point, Request, RequestError, RequestSummary, format_route
from tsmon.threads.locks import raise_interruption

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNMATCHED", "RecorderOptions", "RequestPoints", "parse_request_id"]

UNMATCHED: Final = "unmatched"
"""Resource of requests that no route matched: one constant, because their paths may be anything."""

METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods of RFC 9110 and RFC 5789; all others are recorded as OTHER."""

MAX_REQUEST_ID: Final = 128

MAX_ROUTES: Final = 4_096

RECORDED: Final = frozenset({"service", "route", "status_code", "request_id", "execution_time"})
"""Attributes of a :class:`~tsmon.Request` that have values here."""

RECORDED_OF_ERRORS: Final = frozenset({"service", "route", "status_code", "request_id", "error_code"})
"""The same for a :class:`~tsmon.RequestError`."""


RECORDED_OF_BACKGROUND: Final = RECORDED_OF_ERRORS | {"execution_time", "outcome", "error"}
"""The same for a :class:`~tsmon.BackgroundWork`."""


class RecorderOptions(TypedDict, total=False):
    """Options of every integration that records requests."""

    service: str | None
    """Service tag of the points, if it is not the Monitor's."""
    errors_from: int
    """The lowest status that is an error; 400 by default."""
    request_class: type[Request]
    """Subclass of :class:`tsmon.Request` with more tags or fields.

    An added column takes its value from the request's additional data (:func:`tsmon.work.current_work`) under its
    key, else from ``fill``, else its default.
    """
    error_class: type[RequestError]
    """Subclass of :class:`tsmon.RequestError` with more tags or fields, which take their values in the same way."""
    summary_class: type[RequestSummary]
    """Subclass of :class:`tsmon.RequestSummary`; its added tags and fields have their defaults."""
    fill: Fill
    """Functions for added columns, by attribute: each is called with the framework's request when that ends.

    One that returns None or raises leaves the default. No function is needed for a column with a default; a column
    with neither is refused when the integration is made, by :class:`~tsmon.errors.DeclarationError`.
    """


class RequestPoints:
    """Emits the points of requests that have ended; options are those of :class:`RecorderOptions`.

    For routes that the settings name, requests are summed up from flush to flush (``summarize_routes``), or one in
    many is kept, with that number in the field ``weight`` (``sample_routes``); failed requests are all kept.
    """

    def __init__(
        self,
        monitor: Emitter,
        *,
        service: str | None = None,
        errors_from: int = 400,
        request_class: type[Request] = Request,
        error_class: type[RequestError] = RequestError,
        summary_class: type[RequestSummary] = RequestSummary,
        fill: Fill | None = None,
    ) -> None:
        fill = fill or {}
        kinds = field_kinds_of(monitor.clock)
        self._requests = PointBuilder(request_class, Request, "request_class", RECORDED, fill, kinds)
        self._errors = PointBuilder(error_class, RequestError, "error_class", RECORDED_OF_ERRORS, fill, kinds)
        self._background = PointBuilder(BackgroundWork, BackgroundWork, "", RECORDED_OF_BACKGROUND, {}, kinds)
        self._summaries = RequestSummaries(service, summary_class)
        self.starts_monitor = False
        """Whether a request that is only summed up must wake a Monitor that starts with the first point."""
        check_fill(fill, self._requests, self._errors)
        self._row_class = None if self._requests.filled else make_row_class(request_class, self._requests.added)
        self._emit = cast("Callable[[Point | RequestRow | tuple[()]], None]", monitor.emit)
        self._service = service
        self._errors_from = errors_from
        self._sampling = RouteSampling(monitor.settings.summarize_routes, monitor.settings.sample_routes)
        self._routes: dict[tuple[str, str | None], tuple[str, int]] = {}
        self._log = RateLimitedLog()
        self.failures = 0
        """Number of requests that could not be recorded."""
        self.reduced = 0
        """Number of points of requests that were recorded without their additional data."""

    def emit_all(self, waiting: deque[OpenRequest]) -> None:
        """Remove all requests from ``waiting`` and emit their points."""
        row = None if self._row_class is None else self._row_class(self._service)
        while waiting:
            try:
                self._emit_points(waiting.popleft(), row)
            except IndexError:
                return  # Another thread took it.
            except Exception as failure:
                raise_interruption(failure)
                self.report_failure(failure)

    def collect_summaries(self) -> Iterable[Point]:
        """Return the summaries since the last call."""
        return self._summaries.collect()

    def forget_summaries(self) -> None:
        """In a forked child: forget what was summed up, which is the parent's."""
        self._summaries.forget()

    def _emit_points(self, request: OpenRequest, row: RequestRow | None) -> None:
        status = request.status
        key = request.method, request.resource
        route, one_in = self._routes.get(key) or self._add_route(*key)
        identity = (parse_request_id(request.request_id) if request.request_id else None) or request.time_text
        failed = status >= self._errors_from
        if one_in == 0:
            self._summaries.add(route, status, request.elapsed_s)
            if self.starts_monitor:
                self._emit(())
        elif one_in == 1 or failed or self._sampling.keeps(identity, one_in):
            if one_in != 1 and not failed:
                request._fields = {**(request._fields or {}), "weight": one_in}
            if row is None or request._tags or request._fields:  # noqa: SLF001
                values = self._values_of(request, route, identity)
                self._emit_built(self._requests, request, values | {"execution_time": request.elapsed_s})
            else:
                row.time_text = request.time_text
                row.route = route
                row.status_code = status
                row.request_id = identity
                row.execution_time = request.elapsed_s
                self._emit(row)
        if failed:
            code = parse_error_code(request.error_code)
            values = self._values_of(request, route, identity)
            self._emit_built(self._errors, request, values | {"error_code": status if code is None else code})

    def _emit_built(self, builder: PointBuilder[Any], request: OpenRequest, values: dict[str, Any]) -> None:
        """Emit the point of a request; where that is impossible, without what the application has added to it."""
        try:
            self._emit(builder.build(request, dict(values)))
        except Exception as error:
            raise_interruption(error)
            self._emit(builder.base(**values))
            self.reduced += 1
            self._log.warning(
                "data",
                f"a request was recorded without its additional data ({self.reduced} so far): {to_text(error)}",
            )

    def emit_background(self, request: OpenRequest, elapsed_s: float, error: BaseException | None) -> None:
        """Emit the point of the work that followed a response; never raises.

        Of routes that are summed up or sampled, work is recorded if it failed or if the request was kept.
        """
        try:
            key = request.method, request.resource
            route, one_in = self._routes.get(key) or self._add_route(*key)
            identity = parse_request_id(request.request_id) or request.time_text
            data = request.background
            if error is not None:
                outcome = "failed" if isinstance(error, Exception) else "cancelled"
                data.take_error_code(error)
            elif one_in == 1:
                outcome = "completed"
            elif one_in == 0 or not self._sampling.keeps(identity, one_in):
                return
            else:
                outcome = "completed"
                data.fields["weight"] = one_in
            values = self._values_of(request, route, identity) | {
                "time": fit_time(request.time_ns + round(request.elapsed_s * 1e9)),
                "outcome": outcome,
                "error_code": parse_error_code(data.error_code),
                "execution_time": elapsed_s,
                "error": None if error is None else type(error).__name__,
            }
            self._emit_built(self._background, cast("OpenRequest", data), values)
        except Exception as failure:
            raise_interruption(failure)
            self.report_failure(failure)

    def _values_of(self, request: OpenRequest, route: str, identity: str) -> dict[str, Any]:
        """Return the values that a request's points have in common."""
        values = {
            "time": fit_time(request.time_ns),
            "route": route,
            "status_code": request.status,
            "request_id": identity,
        }
        return values if self._service is None else values | {"service": self._service}

    def _add_route(self, method: str, resource: str | None) -> tuple[str, int]:
        """Cache a route and how many of its requests are kept; names come from outside, so the cache is bounded."""
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
        route = fit_tag(format_route(method if method in METHODS else "OTHER", resource or UNMATCHED))
        self._routes[method, resource] = found = route, self._sampling.one_in(route)
        return found

    def report_failure(self, error: Exception) -> None:
        """Count a request that could not be recorded, and log it at a limited rate."""
        self.failures += 1
        self._log.warning("request", f"a request could not be recorded ({self.failures} so far): {to_text(error)}")


def parse_request_id(header: str | None) -> str | None:
    """Return the request's own identifier if it is printable and of reasonable length, else None."""
    if isinstance(header, str) and 0 < len(header) <= MAX_REQUEST_ID and header.isprintable():
        return header
    return None
