"""The WSGI middleware around real applications, behind a real server."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import flask
import pytest

from tests.tsmon.integrations.test_asgi import django
from tsmon import Monitor, Request, RequestError
from tsmon.integrations.wsgi import RequestMiddleware, set_error_code, set_route
from tsmon.testing import EmittedPoints
from tsmon.work import timed


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(app: Any, *, errors_from: int = 400) -> Iterator[Callable[..., int]]:
    """Serve ``app``; yield ``get(path)``, which returns the status."""
    with Monitor(service="web") as monitor:
        wrapped = validator(RequestMiddleware(validator(app), monitor, errors_from=errors_from))
        server = make_server("127.0.0.1", 0, wrapped, handler_class=Quiet)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def get(path: str, method: str = "GET", **headers: str) -> int:
            url = f"http://127.0.0.1:{server.server_port}{path}"
            request = urllib.request.Request(url, method=method, headers=headers)
            try:
                with urllib.request.urlopen(request) as answer:
                    answer.read()
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                error.read()
                return error.code

        try:
            yield get
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def flask_app() -> flask.Flask:
    app = flask.Flask("shop")

    @app.get("/things/<int:number>")
    def thing(number: int) -> str:
        with timed("db_time"):
            return str(number)

    @app.get("/coded")
    def coded() -> tuple[str, int]:
        set_error_code(7)
        return "no", 409

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(iter([b"a", b"b"]), mimetype="text/plain")

    return app


def test_flask(tsmon: EmittedPoints) -> None:
    with served(flask_app().wsgi_app) as get:
        assert get("/things/3", **{"X-Request-ID": "mine"}) == 200
        assert get("/things/3", method="HEAD") == 200
        assert get("/nowhere") == 404
        assert get("/coded") == 409
        assert get("/broken") == 500
        assert get("/stream") == 200
    found = [(point.route, point.status_code) for point in tsmon.points(Request)]
    assert found == [
        ("GET:/things/<int:number>", 200),
        ("HEAD:/things/<int:number>", 200),
        ("GET:unmatched", 404),
        ("GET:/coded", 409),
        ("GET:/broken", 500),
        ("GET:/stream", 200),
    ]
    assert [point.error_code for point in tsmon.points(RequestError)] == [404, 7, 500]
    assert tsmon.points(Request)[0].request_id == "mine"
    assert set(tsmon.points(Request)[0].fields or ()) == {"db_time"}


def test_django(tsmon: EmittedPoints) -> None:
    with django():
        from django.core.wsgi import get_wsgi_application

        with served(get_wsgi_application()) as get:
            assert get("/things/3/") == 200
            assert get("/async/x/") == 200
            assert get("/broken/") == 500
            assert get("/nowhere/") == 404
    assert [point.route for point in tsmon.points(Request)] == [
        "GET:/things/<int:number>/",
        "GET:/async/<name>/",
        "GET:/broken/",
        "GET:unmatched",
    ]


Start = Callable[..., Any]


class Parts:
    """A body that remembers whether it was closed."""

    def __init__(self, fails: bool = False) -> None:
        self.closed = False
        self._fails = fails

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        if self._fails:
            raise ZeroDivisionError
        yield b"second"

    def close(self) -> None:
        self.closed = True


def ask(app: Any, monitor: Any, parts: int | None = None, method: str = "GET", **environ: Any) -> list[bytes]:
    """Do what a server would do, and read ``parts`` parts of the body."""
    body = RequestMiddleware(app, monitor)({"REQUEST_METHOD": method, **environ}, lambda *_: None)
    taken = []
    try:
        for part in body:
            if len(taken) == parts:
                break
            taken.append(part)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return taken


@pytest.fixture
def monitor(tsmon: EmittedPoints) -> Monitor:
    return Monitor(service="web")


def test_a_body_lasts_to_its_end_and_is_closed_once(tsmon: EmittedPoints, monitor: Monitor) -> None:
    parts = Parts()

    def app(_: Any, start: Start) -> Iterable[bytes]:
        start("202 Accepted", [])
        set_route("/told")
        return parts

    assert ask(app, monitor) == [b"first", b"second"]
    assert parts.closed
    request = tsmon.one(Request)
    assert (request.route, request.status_code) == ("GET:/told", 202)


def test_a_client_that_leaves_in_the_middle_is_499(tsmon: EmittedPoints, monitor: Monitor) -> None:
    parts = Parts()

    def app(_: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return parts

    assert ask(app, monitor, parts=1) == [b"first"]
    assert parts.closed
    assert tsmon.one(Request).status_code == 499


def test_a_body_that_breaks_is_500(tsmon: EmittedPoints, monitor: Monitor) -> None:
    def app(_: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return Parts(fails=True)

    with pytest.raises(ZeroDivisionError):
        ask(app, monitor)
    assert tsmon.one(Request).status_code == 500


def test_a_generator_may_start_the_response_at_its_first_part(tsmon: EmittedPoints, monitor: Monitor) -> None:
    def app(_: Any, start: Start) -> Iterator[bytes]:
        start("203 Other", [])
        yield b"x"

    assert ask(app, monitor) == [b"x"]
    assert tsmon.one(Request).status_code == 203


def test_a_list_and_a_file_reach_the_server_unwrapped(tsmon: EmittedPoints, monitor: Monitor) -> None:
    class Wrapper:
        def __iter__(self) -> Iterator[bytes]:
            yield b"file"

    answers: list[Any] = [[b"whole"], Wrapper()]

    def app(_: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return answers[-1]  # type: ignore[no-any-return]

    middleware = RequestMiddleware(app, monitor)  # type: ignore[arg-type]
    environ = {"REQUEST_METHOD": "GET", "wsgi.file_wrapper": Wrapper}
    assert middleware(dict(environ), lambda *_: None) is answers[-1]
    answers.pop()
    assert middleware(dict(environ), lambda *_: None) is answers[-1]
    assert [point.status_code for point in tsmon.points(Request)] == [200, 200]


def test_an_error_handler_may_start_the_response_again(tsmon: EmittedPoints, monitor: Monitor) -> None:
    def app(_: Any, start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            start("503 Service Unavailable", [], (type(error), error, error.__traceback__))
        return [b"sorry"]

    ask(app, monitor)
    assert tsmon.one(RequestError).status_code == 503
