"""WSGI applications (Flask, Django, Bottle, …): a point for every request.

::

    monitor = Monitor(service="catalogue").start_in_background()
    app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)

Follows PEP 3333 and needs no framework.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, Unpack

from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    REQUEST_ID_HEADER,
    OpenRequest,
    RecorderOptions,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.monitor.emitter import Emitter

__all__ = ["RecorderOptions", "RequestMiddleware", "set_error_code", "set_route"]

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

WITHOUT_BODY: Final = frozenset({204, 205, 304})
"""Statuses of responses that have no body."""


class RequestMiddleware:
    """Records every request of ``app``, which it wraps.

    A request lasts until its body has been sent. If the server stops reading the body before its end, the status is
    499; after an exception it is 500. A status of ``errors_from`` (400 by default) or above is an error. The route
    is the template of Flask's rule, or the one that the application sets by :func:`set_route`, as
    :mod:`tsmon.integrations.django` does for Django.

    :class:`RecorderOptions` describes the other options; functions of ``fill`` take the environment.
    """

    def __init__(
        self,
        app: Application,
        monitor: Emitter,
        *,
        request_id_header: str = REQUEST_ID_HEADER,
        **options: Unpack[RecorderOptions],
    ) -> None:
        self.app = app
        self.monitor = monitor
        self._recorder = RequestRecorder(monitor, **options)
        self._id_key = f"HTTP_{request_id_header.upper().replace('-', '_')}"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if not self._recorder.enabled:
            return self.app(environ, start_response)
        opened = self._recorder.begin()
        response = _Response(self._recorder, opened, environ, environ.get(self._id_key))

        def start(status: str, headers: Any, *exc_info: Any) -> Any:
            with suppress(TypeError, ValueError):  # the server refuses it
                response.status = int(status[:3])
            if self._recorder.ends_with_last_part:
                response.unsent = _find_length(headers)
            # Flask forgets the request as soon as it has responded.
            response.resource = _find_flask_rule(environ)
            return start_response(status, headers, *exc_info)

        try:
            body = self.app(environ, start)
        except BaseException as error:
            response.end(500, error)
            raise
        self._recorder.leave(opened)
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(body, list | tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
            # The body is complete, or the server sends it in its own way.
            response.end(response.status)
            return body
        return _Body(body, response)


class _Response:
    """A request whose response is being sent."""

    __slots__ = ("_environ", "_opened", "_recorder", "_request_id", "ended", "resource", "status", "unsent")

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
        self.unsent: int | None = None
        """Bytes of the body that are still to come, if the response ends with the last of them."""

    def end(self, status: int, error: BaseException | None = None) -> None:
        """Record the request, once."""
        if self.ended:
            return
        self.ended = True
        if self._recorder.fills:
            self._recorder.fill_columns(self._opened, self._environ)
        self._recorder.end(
            self._opened,
            method=self._environ.get("REQUEST_METHOD", ""),
            resource=self.resource,
            status=status,
            error=error,
            request_id=self._request_id,
        )

    def end_unread(self) -> None:
        """Record the request, whose body the server has not read to its end."""
        has_no_body = self._environ.get("REQUEST_METHOD") == "HEAD" or self.status in WITHOUT_BODY
        self.end(self.status if has_no_body else CLIENT_CLOSED_REQUEST)


class _Body:
    """The body on its way to the server."""

    def __init__(self, body: Iterable[bytes], response: _Response) -> None:
        self._body = body
        self._parts: Iterator[bytes] | None = None
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            part = next(self._parts)
        except StopIteration:
            self._response.end(self._response.status)
            raise
        except BaseException as error:
            self._response.end(500, error)
            raise
        response = self._response
        if response.unsent is not None:
            response.unsent -= len(part)
            if response.unsent <= 0:
                response.end(response.status)
        return part

    def close(self) -> None:
        """Close the body; the server is done with it, whether or not it was sent to its end."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._response.end_unread()


def _find_length(headers: Iterable[tuple[str, str]]) -> int | None:
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    return int(length) if length.isdecimal() else None


def _find_flask_rule(environ: Environ) -> str | None:
    """Return the rule of the route that Flask chose, from its request in the environment."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    template = getattr(rule, "rule", None)
    return template if isinstance(template, str) else None
