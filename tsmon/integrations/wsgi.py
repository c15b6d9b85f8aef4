"""WSGI applications (Flask, Django, Bottle, …): a point for every request.

::

    monitor = Monitor(service="catalogue").start_in_background()
    app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)

Written to PEP 3333; needs no framework.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    OpenRequest,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.monitor.emitter import Emitter

__all__ = ["RequestMiddleware", "set_error_code", "set_route"]

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

WITHOUT_BODY: Final = frozenset({204, 205, 304})


class RequestMiddleware:
    """Records every request of ``app``, which it wraps.

    A request lasts until its body has been sent; one whose body is not asked for to its end has status 499, an
    exception 500; from ``errors_from`` on a status is an error. The route is the template of Flask's rule, or what
    the application gives by :func:`set_route`; Django tells it by :mod:`tsmon.integrations.django`.
    """

    def __init__(
        self,
        app: Application,
        monitor: Emitter,
        *,
        service: str | None = None,
        errors_from: int = 400,
        request_id_header: str = "X-Request-ID",
    ) -> None:
        self.app = app
        self.monitor = monitor
        self._recorder = RequestRecorder(monitor, service=service, errors_from=errors_from)
        self._id_key = f"HTTP_{request_id_header.upper().replace('-', '_')}"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if not self._recorder.enabled:
            return self.app(environ, start_response)
        opened = self._recorder.begin()
        answer = _Answer(self._recorder, opened, environ, environ.get(self._id_key))

        def start(status: str, headers: Any, *exc_info: Any) -> Any:
            answer.status = int(status[:3])
            # Flask forgets the request as soon as it has answered.
            answer.resource = _flask_rule(environ)
            return start_response(status, headers, *exc_info)

        try:
            body = self.app(environ, start)
        except BaseException as error:
            answer.end(500, error)
            raise
        self._recorder.leave(opened)
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(body, list | tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
            # All of it is there, or the server sends it its own way.
            answer.end(answer.status)
            return body
        return _Body(body, answer)


class _Answer:
    """A request whose answer is being given."""

    __slots__ = ("_environ", "_opened", "_recorder", "_request_id", "ended", "resource", "status")

    def __init__(
        self, recorder: RequestRecorder, opened: OpenRequest, environ: Environ, request_id: str | None
    ) -> None:
        self._recorder = recorder
        self._opened = opened
        self._environ = environ
        self._request_id = request_id
        self.status = 500
        self.resource: str | None = None
        self.ended = False

    def end(self, status: int, error: BaseException | None = None) -> None:
        """Record the request, once."""
        if self.ended:
            return
        self.ended = True
        self._recorder.end(
            self._opened,
            method=self._environ.get("REQUEST_METHOD", ""),
            resource=self.resource,
            status=status,
            error=error,
            request_id=self._request_id,
        )

    def leave_off(self) -> None:
        """The server asks for no more of the body."""
        whole = self._environ.get("REQUEST_METHOD") == "HEAD" or self.status in WITHOUT_BODY
        self.end(self.status if whole else CLIENT_CLOSED_REQUEST)


class _Body:
    """The body on its way to the server."""

    def __init__(self, body: Iterable[bytes], answer: _Answer) -> None:
        self._body = body
        self._parts: Iterator[bytes] | None = None
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except StopIteration:
            self._answer.end(self._answer.status)
            raise
        except BaseException as error:
            self._answer.end(500, error)
            raise

    def close(self) -> None:
        """The server is done, whether or not all of it was sent."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._answer.leave_off()


def _flask_rule(environ: Environ) -> str | None:
    """Rule of the route that Flask has chosen; its request stands in the environment."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    template = getattr(rule, "rule", None)
    return template if isinstance(template, str) else None
