"""A WSGI application for gunicorn, which answers ``/points`` with what has been recorded of it."""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.services.own_store import OwnStore
from tsmon import Monitor
from tsmon.integrations.wsgi import RequestMiddleware
from tsmon.work import timed

__all__ = ["BIG", "SLOW_S", "app"]

BIG = 20_000_000
SLOW_S = 0.2

store = OwnStore()
monitor = Monitor(service="web", store=store)


class Closing:
    """A body whose closing takes time."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"fine"

    def close(self) -> None:
        with timed("close_time"):
            time.sleep(SLOW_S)


def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/close":
        start("200 OK", [("Content-Length", "4")])
        return Closing()
    start("200 OK", [("Content-Length", str(BIG))])
    if path == "/file":
        return environ["wsgi.file_wrapper"](io.BytesIO(bytes(BIG)))  # type: ignore[no-any-return]
    return [bytes(BIG)]


recorded = RequestMiddleware(serve, monitor)


def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    # Not at import, since the tests import this module for its figures.
    background = monitor.start_in_background()
    if environ["PATH_INFO"] != "/points":
        return recorded(environ, start)
    background.flush()
    body = b"\n".join(store.batches)
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
