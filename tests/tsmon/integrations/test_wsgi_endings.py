"""How WSGI requests end behind a real server, and what is recorded then: status and time are the client's."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import FileWrapper

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.services.own_store import OwnStore
from tests.tsmon.integrations.test_asgi import django
from tsmon import Monitor, Request
from tsmon.integrations.wsgi import RequestMiddleware, set_error_code, set_route
from tsmon.line_protocol import parse
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.monitor.background import BackgroundMonitor
from tsmon.testing import EmittedPoints
from tsmon.work import timed

HELD_S = 0.1
SLACK_S = 0.05
"""The server thread notes the end a little after the client has its last byte."""
BIG = 8_000_000
"""More than sockets buffer."""

Start = Callable[..., Any]
App = Callable[[dict[str, Any], Start], Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Served:
    port: int
    monitor: BackgroundMonitor
    store: OwnStore
    released: threading.Event = field(default_factory=threading.Event)

    def fetch(self, path: str = "/", method: str = "GET", *, reads: int | None = None) -> tuple[bytes, float]:
        """Return the response and when it was complete; leave after ``reads`` bytes."""
        started_s = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            if reads is not None:
                got = client.recv(reads) if reads else b""
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                return got, time.perf_counter() - started_s
            got = b""
            while part := client.recv(1 << 20):
                got += part
                head, _, body = got.partition(b"\r\n\r\n")
                length = next(
                    (one for one in head.split(b"\r\n") if one.lower().startswith(b"content-length")), None
                )
                if length is not None and (method == "HEAD" or len(body) >= int(length.split(b":")[1])):
                    break
            elapsed_s = time.perf_counter() - started_s
            self.released.set()
            return got, elapsed_s

    def points(self, measurement: str = "requests", count: int = 1) -> list[ParsedPoint]:
        """Return the first points of a series, and that there are no more."""
        deadline = time.monotonic() + 20
        while True:
            self.monitor.flush()
            found = [one for one in parse(b"\n".join(self.store.batches)) if one.measurement == measurement]
            if len(found) >= count:
                assert len(found) == count
                return found
            assert time.monotonic() < deadline, (measurement, found)
            time.sleep(0.005)

    def check(self, status: int, elapsed_s: float | None = None) -> ParsedPoint:
        (request,) = self.points()
        assert request.tags["status_code"] == str(status)
        self.points("errors", 1 if status >= 400 else 0)
        if elapsed_s is not None:
            assert float(request.fields["execution_time"]) <= elapsed_s + SLACK_S
        return request


@contextmanager
def served(make: Callable[[Served], App]) -> Iterator[Served]:
    """Serve an application behind wsgiref."""
    store = OwnStore()
    with Monitor(service="web", store=store) as monitor:
        server = make_server("127.0.0.1", 0, lambda *_: [], handler_class=Quiet)
        here = Served(server.server_port, monitor, store)
        server.set_app(RequestMiddleware(make(here), monitor))
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        try:
            yield here
        finally:
            here.released.set()
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleHandler, "log_exception", lambda *_: None)


class Closing:
    """A body whose closing takes time, or fails."""

    def __init__(self, parts: Iterable[bytes], close: Callable[[], None]) -> None:
        self._parts = parts
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts


@pytest.mark.parametrize("fails", [False, True])
def test_what_follows_the_body_is_work_in_the_background(fails: bool) -> None:
    def make(here: Served) -> App:
        def close() -> None:
            with timed("close_time"):
                here.released.wait()
                time.sleep(HELD_S)
            if fails:
                set_error_code(12)
                raise ZeroDivisionError

        def app(_: Any, start: Start) -> Iterable[bytes]:
            start("200 OK", [("Content-Length", "2")])
            return Closing([b"a", b"b"], close)

        return app

    with served(make) as here:
        _, elapsed_s = here.fetch()
        request = here.check(200, elapsed_s)
        (work,) = here.points("requests_background")
    assert work.tags["outcome"] == ("failed" if fails else "completed")
    assert work.tags.get("error_code") == ("12" if fails else None)
    assert float(work.fields["execution_time"]) >= HELD_S
    assert ("close_time" in work.fields, "close_time" in request.fields) == (True, False)


def test_a_list_that_is_to_be_closed_is_closed(tsmon: EmittedPoints) -> None:
    closed = []

    class Lines(list[bytes]):
        def close(self) -> None:
            closed.append(len(tsmon.points(Request)))

    def app(_: Any, start: Any) -> Lines:
        start("200 OK", [])
        return Lines([b"a", b"b"])

    body = RequestMiddleware(app, Monitor(service="web"))({"REQUEST_METHOD": "GET"}, lambda *_: None)
    assert list(body) == [b"a", b"b"]
    body.close()  # type: ignore[attr-defined]
    assert closed == [1]


def test_a_generator_may_go_on_after_its_last_byte_and_is_a_part_of_the_request_before() -> None:
    def make(here: Served) -> App:
        def app(_: Any, start: Start) -> Iterator[bytes]:
            start("200 OK", [("Content-Length", "6")])
            set_route("/told")
            with timed("before"):
                yield b"abc"
            yield b"def"
            here.released.wait()
            with timed("after"):
                time.sleep(HELD_S)

        return app

    with served(make) as here:
        _, elapsed_s = here.fetch()
        request = here.check(200, elapsed_s)
        (work,) = here.points("requests_background")
    assert request.tags["route"] == "GET:/told"
    assert ("before" in request.fields, "after" in request.fields) == (True, False)
    assert ("before" in work.fields, "after" in work.fields) == (False, True)


@pytest.mark.parametrize("after", ["nothing", "start", "part", "all"])
def test_an_exception_is_500_until_the_client_has_everything(after: str) -> None:
    def make(_: Served) -> App:
        def app(_: Any, start: Start) -> Iterator[bytes]:
            if after != "nothing":
                start("200 OK", [("Content-Length", "3")])
            if after in ("part", "all"):
                yield b"abc" if after == "all" else b"ab"
            raise ZeroDivisionError

        return app

    with served(make) as here:
        here.fetch()
        here.check(200 if after == "all" else 500)
        works = here.points("requests_background", 1 if after == "all" else 0)
        assert [one.tags["outcome"] for one in works] == ["failed"] * len(works)


@pytest.mark.parametrize("kind", ["list", "generator", "write", "file"])
def test_the_time_is_that_of_the_last_byte_and_a_client_that_leaves_is_499(kind: str) -> None:
    def make(_: Served) -> App:
        def app(environ: Any, start: Start) -> Iterable[bytes]:
            write = start("200 OK", [("Content-Length", str(BIG))])
            if kind == "list":
                return [bytes(BIG)]
            if kind == "file":
                return FileWrapper(io.BytesIO(bytes(BIG)), 1 << 20)
            if kind == "write":
                write(bytes(BIG))
                return []
            return (bytes(BIG // 8) for _ in range(8))

        return app

    with served(make) as here:
        _, elapsed_s = here.fetch()
        here.check(200, elapsed_s)
    with served(make) as here:
        here.fetch(reads=100)
        here.check(499)


def test_the_time_of_a_slow_client_is_its_own() -> None:
    """The server is busy until the client reads."""

    def make(_: Served) -> App:
        def app(_: Any, start: Start) -> Iterable[bytes]:
            start("200 OK", [("Content-Length", str(BIG))])
            return [bytes(BIG)]

        return app

    with served(make) as here, socket.create_connection(("127.0.0.1", here.port)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        time.sleep(0.1)
        while client.recv(1 << 20):
            pass
        assert float(here.check(200).fields["execution_time"]) >= 0.05


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")])
def test_responses_without_body(method: str, status: str) -> None:
    def make(_: Served) -> App:
        def app(_: Any, start: Start) -> Iterable[bytes]:
            start(status, [("Content-Length", "0")])
            return [] if method == "GET" else Closing([b""], lambda: None)

        return app

    with served(make) as here:
        here.fetch(method=method)
        here.check(int(status[:3]))


def test_errors_that_start_the_response_again() -> None:
    """Before the first byte the second status counts; after it, the server raises the exception again."""

    def make(_: Served) -> App:
        def app(environ: Any, start: Start) -> Iterable[bytes]:
            write = start("200 OK", [])
            if environ["PATH_INFO"] != "/early":
                write(b"abc")
            try:
                raise ZeroDivisionError
            except ZeroDivisionError as error:
                with suppress(*([ZeroDivisionError] if environ["PATH_INFO"] == "/ignored" else [])):
                    start("503 Sorry", [], (type(error), error, error.__traceback__))
            return [b"sorry"]

        return app

    found = []
    for path in ("/early", "/late", "/ignored"):
        with served(make) as here:
            here.fetch(path)
            found.append(here.points()[0].tags["status_code"])
    assert found == ["503", "500", "200"]


def test_flask_and_django_call_on_close_after_the_response() -> None:
    def make(here: Served) -> App:
        app = flask.Flask("shop")

        @app.get("/<name>")
        def show(name: str) -> flask.Response:
            response = flask.Response(name)

            @response.call_on_close
            def later() -> None:
                here.released.wait()
                time.sleep(HELD_S)

            return response

        return app.wsgi_app

    with served(make) as here:
        _, elapsed_s = here.fetch("/a")
        assert here.check(200, elapsed_s).tags["route"] == "GET:/<name>"
        assert here.points("requests_background")[0].tags["route"] == "GET:/<name>"
    with django():
        from django.core.wsgi import get_wsgi_application

        with served(lambda _: get_wsgi_application()) as here:
            here.fetch("/things/3/")
            assert here.check(200).tags["route"] == "GET:/things/<int:number>/"


def test_routes_of_flask_are_whole() -> None:
    def make(_: Served) -> App:
        app, other = flask.Flask("shop"), flask.Flask("other")
        parent, child = flask.Blueprint("parent", "shop"), flask.Blueprint("child", "shop", url_prefix="/child")
        child.add_url_rule("/things/<int:number>", "thing", lambda tenant, number: tenant)
        parent.register_blueprint(child)
        app.register_blueprint(parent, url_prefix="/api/<tenant>")
        hosted = flask.Blueprint("hosted", "shop", subdomain="<tenant>")
        hosted.add_url_rule("/hosted/<key>", "hosted", lambda tenant, key: key)
        app.register_blueprint(hosted)
        app.add_url_rule("/slash/", "slash", lambda: "x")
        other.add_url_rule("/deep/<key>", "deep", lambda key: key)
        nested = DispatcherMiddleware(other, {"/inner": other})
        return DispatcherMiddleware(app, {"/outer": nested})

    cases = {
        "/api/acme/child/things/3": "GET:/api/<tenant>/child/things/<int:number>",
        "/slash": "GET:unmatched",
        "/nothing": "GET:unmatched",
        "/outer/deep/3": "GET:/outer/deep/<key>",
        "/outer/inner/deep/3": "GET:/outer/inner/deep/<key>",
        "/outer/nothing": "GET:unmatched",
        "/static/nothing.txt": "GET:/static/<path:filename>",
    }
    with served(make) as here:
        for path in cases:
            here.fetch(path)
        assert [one.tags["route"] for one in here.points(count=len(cases))] == list(cases.values())
