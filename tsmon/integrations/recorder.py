"""What the middleware of every web framework does with a request, in one place.

The code that answers the request may add to its points: by :func:`set_error_code` and :func:`set_route`, tags and
fields by :func:`tsmon.work.current_work`, times by :class:`tsmon.work.timed`. What it adds after the response has
been sent belongs to a :class:`tsmon.BackgroundWork`, if the integration knows when that work ends.
"""

import time
from collections import deque
from collections.abc import Iterable
from time import perf_counter
from typing import Any, Final, Unpack

from tsmon.integrations.fitting import to_text
from tsmon.integrations.open_request import OpenRequest, set_error_code, set_route
from tsmon.integrations.request_points import RecorderOptions, RequestPoints
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor import source
from tsmon.monitor.emitter import Emitter
from tsmon.points import Point
from tsmon.threads.locks import raise_interruption
from tsmon.work.in_progress import InProgressCounter
from tsmon.work.work_data import begin_work, end_work, reset_work

__all__ = [
    "CLIENT_CLOSED_REQUEST",
    "REQUEST_ID_HEADER",
    "OpenRequest",
    "RecorderOptions",
    "RequestRecorder",
    "set_error_code",
    "set_route",
]

CLIENT_CLOSED_REQUEST: Final = 499
"""Status recorded for a request that was cancelled, as nginx does for clients that disconnected."""

REQUEST_ID_HEADER: Final = "X-Request-ID"

BACKGROUND_FROM_S: Final = 0.01
"""Work after a response is not recorded if it is shorter, succeeds and sets no data: every framework does some."""

_new = object.__new__


class RequestRecorder:
    """Emits a ``requests`` point for each request and an ``errors`` point for each failed one; never raises.

    Call :meth:`begin` and, in the same context, :meth:`end`. Points are emitted a few dozen at a time, at the
    latest before the next flush, because in a row each costs less. :class:`RecorderOptions` describes the options.
    """

    def __init__(self, monitor: Emitter, **options: Unpack[RecorderOptions]) -> None:
        self._points = RequestPoints(monitor, **options)
        self._fill = dict(options.get("fill") or {})
        self.fills = bool(self._fill)
        """Whether :meth:`fill_columns` is to be called before :meth:`end`."""
        self.enabled = monitor.settings.enabled
        """False if the settings switch tsmon off: then there is nothing to record."""
        self.ends_with_last_part = False
        """Whether a WSGI response ends when its last part is handed out, and not when the server is done with it.

        So it is while a test captures points, because test clients read no further.
        """
        self._clock = monitor.clock
        self._log = RateLimitedLog()
        self._progress = InProgressCounter(monitor, "requests", service=options.get("service"))
        self._inside = self._progress.inside
        self._waiting: deque[OpenRequest] = deque()
        self._max_waiting = self._max_held = source.MAX_HELD
        monitor.add_source(self)

    @property
    def failures(self) -> int:
        """Number of requests that could not be recorded."""
        return self._points.failures

    @property
    def reduced(self) -> int:
        """Number of points of requests that were recorded without their additional data."""
        return self._points.reduced

    def report_failure(self, error: Exception) -> None:
        """Count a request that could not be recorded, and log it at a limited rate."""
        self._points.report_failure(error)

    @property
    def in_progress(self) -> int:
        """Number of requests that are being answered now."""
        return self._progress.count

    def begin(self) -> OpenRequest:
        """Begin a request; what is done for it from now on may add to its points."""
        # Every call saved here is a tenth of what a request costs.
        request = _new(OpenRequest)
        request._tags = request._fields = request._background = None  # noqa: SLF001
        request.outer = request.error_code = request.resource = None
        request.has_ended = False
        inside = self._inside
        inside.append(None)
        if len(inside) > self._progress.highest:
            self._progress.highest = len(inside)
        request._token = begin_work(request)  # noqa: SLF001
        try:
            request.time_text = next(self._clock.ticks)
        except Exception as error:
            raise_interruption(error)
            request.time_text = self._format_time()
        request.counter = perf_counter()
        return request

    def _format_time(self) -> str:
        try:
            return self._clock.text()
        except Exception as error:
            raise_interruption(error)
            return str(time.time_ns())

    def leave(self, request: OpenRequest) -> None:
        """End the work of a request whose code has returned, though its body may still be sent.

        :meth:`end` does this too.
        """
        token = request._token  # noqa: SLF001
        if token is not None:
            request._token = None  # noqa: SLF001
            end_work(token)

    def fill_columns(self, request: OpenRequest, framework_request: Any) -> None:
        """Call the functions of ``fill`` on the framework's own request; needed only if :attr:`fills`."""
        request.column_values = values = {}
        for attribute, function in self._fill.items():
            try:
                value = function(framework_request)
            except Exception as error:
                raise_interruption(error)
                reason = f"{type(error).__name__}: {to_text(error)}"
                self._log.warning(f"fill {attribute}", f"fill[{attribute!r}] failed for a request: {reason}")
            else:
                if value is not None:
                    values[attribute] = value

    def end(
        self,
        request: OpenRequest,
        method: str,
        resource: str | None,
        status: int,
        error: BaseException | None = None,
        request_id: str | None = None,
    ) -> None:
        """End a request. ``resource`` is the template of its route; None if no route matched.

        The error code is the one set by the application, else the int attribute ``error_code`` of ``error``, else
        the status.
        """
        request.elapsed_s = perf_counter() - request.counter
        request.has_ended = True
        try:  # noqa: SIM105 (suppress() costs as much as half of this method)
            self._inside.pop()
        except IndexError:
            pass  # It began in the process from which this one was forked.
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
            request.take_error_code(error)
        waiting = self._waiting
        waiting.append(request)
        if len(waiting) >= self._max_waiting:
            self._points.emit_all(waiting)

    def end_response(
        self,
        request: OpenRequest,
        method: str,
        resource: str | None,
        status: int,
        error: BaseException | None = None,
        request_id: str | None = None,
    ) -> None:
        """End a request as :meth:`end` does, whose application goes on until :meth:`end_background`."""
        # Not by an argument of end(): its calls with exactly these are the fastest that Python has.
        token, request._token = request._token, None  # noqa: SLF001
        self._set_apart(request)
        self.end(request, method, resource, status, error, request_id)
        request._token = token  # noqa: SLF001

    def end_background(self, request: OpenRequest, error: BaseException | None = None) -> None:
        """End the work that followed a response, and record it if it failed, took its time or set data."""
        elapsed_s = perf_counter() - request.counter - request.elapsed_s
        self.leave(request)
        data = request._background  # noqa: SLF001
        if error is not None or elapsed_s >= BACKGROUND_FROM_S or (data is not None and not data.is_empty):
            self._points.emit_background(request, elapsed_s, error)

    @staticmethod
    def _set_apart(request: OpenRequest) -> None:
        """Keep what was set so far, even if the code has taken the dictionaries out of the work."""
        tags, fields = request._tags, request._fields  # noqa: SLF001
        if tags:
            request._tags = dict(tags)  # noqa: SLF001
        if fields:
            request._fields = dict(fields)

    def collect(self) -> Iterable[Point]:
        """See :class:`tsmon.monitor.source.Source`."""
        self._points.emit_all(self._waiting)
        return self._points.collect_summaries()

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._waiting.clear()
        self._points.forget_summaries()

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._max_waiting = 1
        self._points.starts_monitor = True

    def hold_again(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._max_waiting = self._max_held
        self._points.starts_monitor = False
