"""What every web framework's middleware does with a request that has ended."""

import time
from typing import Final

from tsmon.limited_log import LimitedLog
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64
from tsmon.monitor import Monitor
from tsmon.points import Request, RequestError, route_of

__all__ = ["UNMATCHED", "RequestRecorder", "int_code", "request_id_of"]

UNMATCHED: Final = "unmatched"
"""Resource of requests that no route matched: one constant, since their paths are anybody's choice."""

METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods of RFC 9110 and RFC 5789; others share the name OTHER."""

MAX_REQUEST_ID: Final = 128


class RequestRecorder:
    """Emits a ``requests`` point for each request and an ``errors`` point for each failed one; never raises."""

    def __init__(self, monitor: Monitor, *, service: str | None = None) -> None:
        self._monitor = monitor
        self._service = service
        self._log = LimitedLog()
        self.failures = 0
        """Requests that could not be recorded."""

    def start(self) -> tuple[int, float]:
        """Event time in nanoseconds and a reading of the performance counter; pass both to :meth:`end`."""
        try:
            time_ns = self._monitor.take_time_ns()
        except Exception:
            time_ns = time.time_ns()
        return time_ns, time.perf_counter()

    def end(
        self,
        started: tuple[int, float],
        *,
        method: str,
        resource: str,
        status: int,
        error_code: int | None,
        request_id: str | None,
    ) -> None:
        """Emit what a request that began at ``started`` was; ``status`` 400 and above is an error."""
        time_ns, counter = started
        try:
            elapsed_s = time.perf_counter() - counter
            route = route_of(method if method in METHODS else "OTHER", resource)
            identity = request_id or f"{time_ns:x}"
            self._monitor.emit(
                Request(
                    time=time_ns,
                    service=self._service,
                    route=route,
                    status_code=status,
                    request_id=identity,
                    execution_time=elapsed_s,
                )
            )
            if status >= 400:
                self._monitor.emit(
                    RequestError(
                        time=time_ns,
                        service=self._service,
                        route=route,
                        status_code=status,
                        error_code=status if error_code is None else error_code,
                        request_id=identity,
                    )
                )
        except Exception as error:
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Count a request that could not be recorded, and log it at a limited rate."""
        self.failures += 1
        self._log.warning("request", f"a request could not be recorded ({self.failures} so far): {error}")


def request_id_of(header: str | None) -> str | None:
    """The request's own identifier where it is printable and of reasonable length, else None."""
    if header and len(header) <= MAX_REQUEST_ID and header.isprintable():
        return header
    return None


def int_code(code: object) -> int | None:
    """An error code as a plain int, members of an ``IntEnum`` too; None for what is no 64-bit integer."""
    if isinstance(code, int) and not isinstance(code, bool) and MIN_INT64 <= code <= MAX_INT64:
        return int(code)
    return None
