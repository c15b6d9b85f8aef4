"""WSGI applications (Flask, Django, Bottle, …): a point for every request.

::

    monitor = Monitor(service="catalogue").start_in_background()
    app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)

Follows PEP 3333 and needs no framework.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Unpack

from tsmon.integrations.recorder import (
    REQUEST_ID_HEADER,
    RecorderOptions,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.integrations.wsgi_response import Body, Environ, Parts, Response, end_with_close
from tsmon.monitor.emitter import Emitter

__all__ = ["RecorderOptions", "RequestMiddleware", "set_error_code", "set_route"]

Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

MAX_WRAPPERS: Final = 32

COMPLETE: Final = frozenset({list, tuple})
"""Types of bodies that are complete and that no code of the application closes."""


class RequestMiddleware:
    """Records every request of ``app``, which it wraps.

    A request lasts until the server has sent its body. If the server stops reading the body before its end, or
    cannot write, the status is 499; after an exception it is 500. A status of ``errors_from`` (400 by default) or
    above is an error. What the application does afterwards, such as closing the body, is a
    :class:`tsmon.BackgroundWork`. The route is the template of Flask's rule, or the one that the application sets
    by :func:`set_route`, as :mod:`tsmon.integrations.django` does for Django.

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
        self._mounts = frozenset(_find_mounts(app))
        self._id_key = f"HTTP_{request_id_header.upper().replace('-', '_')}"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if not self._recorder.enabled:
            return self.app(environ, start_response)
        recorder = self._recorder
        opened = recorder.begin()
        response = Response(recorder, opened, environ, environ.get(self._id_key))
        script_name = environ.get("SCRIPT_NAME", "")

        def start(status: str, headers: Any, *exc_info: Any) -> Any:
            write = start_response(status, headers, *exc_info)
            # Flask forgets the request as soon as it has responded.
            if "werkzeug.request" in environ:
                response.resource = self._find_route(environ, script_name)
            return response.start(status, headers, write)

        try:
            body = self.app(environ, start)
        except BaseException as error:
            if response.ended:
                response.end_background(error)
            else:
                response.end(500, error)
                recorder.leave(opened)
            raise
        recorder.leave(opened)
        is_complete = type(body) in COMPLETE
        wrapper = environ.get("wsgi.file_wrapper")
        if not is_complete and not (isinstance(wrapper, type) and isinstance(body, wrapper)):
            return Body(body, response)
        if recorder.ends_with_last_part:
            response.end(response.status)
        elif is_complete:
            parts = Parts(body)
            parts.response = response
            return parts
        else:
            end_with_close(body, response)
        return body

    def _find_route(self, environ: Environ, script_name: str) -> str | None:
        """Return the rule of the route that Flask chose, below the path of a dispatcher of Werkzeug."""
        rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
        template = getattr(rule, "rule", None)
        if not isinstance(template, str):
            return None
        mount = environ.get("SCRIPT_NAME", "").removeprefix(script_name)
        return mount + template if mount in self._mounts else template


def _find_mounts(app: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths under which dispatchers of Werkzeug in ``app`` mount applications."""
    for _ in range(MAX_WRAPPERS):
        mounts = getattr(app, "mounts", None)
        if isinstance(mounts, dict) and depth < MAX_WRAPPERS:
            for path, mounted in mounts.items():
                yield f"{prefix}{path}"
                yield from _find_mounts(mounted, f"{prefix}{path}", depth + 1)
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)
        if app is None:
            return
