"""Requests that no browser and no library sends, written to the socket byte by byte."""

import asyncio
import contextlib
import gzip
import logging
import resource
import time

import pytest
import pytest_asyncio

from tests.tsmon_agent.web.guarded_agent import GuardedAgent, bearer
from tsmon_agent.web import listener
from tsmon_agent.web.requests import deadline

ELSEWHERE = "X-Forwarded-For: 203.0.113.9\r\n"

PATHS = [
    "/",
    "/mon",
    "/mon/",
    "//mon/",
    "/mon//streams",
    "/mon/../mon/streams",
    "/mon/%2e%2e/mon/streams",
    "/mon/static/../streams",
    "/mon/static/x/..%2f..%2fstreams",
    "/mon/healthz/../streams",
    "/mon/sign-in/../streams",
    "/mon/healthz/%2e%2e/api/pipeline",
    "/MON/streams",
    "/mon/streams/",
    "/mon/streams;x=/mon/healthz",
    "/mon/streams%00",
    "/mon/%73treams",
    "*",
    "http://127.0.0.1/mon/streams",
    "http://evil.example/mon/healthz/../streams",
    "/mon/live?page=host",
    "/mon/openapi.json",
]


async def answer_to(address: str, request: str) -> tuple[int, bytes]:
    """Status, and the whole answer."""
    host, port = address.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request.encode("latin-1"))
        whole = await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
    return int(whole.split(b" ", 2)[1]), whole


def asked(method: str, path: str, headers: str = ELSEWHERE) -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n"


@pytest_asyncio.fixture(loop_scope="session")
async def address(guarded: GuardedAgent) -> str:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"], base_path="/mon")
    return str(client._base_url)


@pytest.mark.parametrize("path", PATHS)
async def test_no_spelling_of_a_path_leads_past_the_gate(address: str, path: str) -> None:
    status, whole = await answer_to(address, asked("GET", path))
    assert status in (400, 401, 404, 421), whole
    assert b"athena" not in whole


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PUT", "PATCH", "POST", "DELETE", "FOO"])
async def test_no_method_leads_past_the_gate(address: str, method: str) -> None:
    for path in ("/mon/streams", "/mon/expected", "/mon/api/pipeline", "/mon/nothing"):
        status, whole = await answer_to(address, asked(method, path, f"{ELSEWHERE}Content-Length: 0\r\n"))
        assert status in (400, 401, 403, 405), whole


@pytest.mark.parametrize(
    "headers",
    [
        "X-Forwarded-For: 127.0.0.1, 203.0.113.9\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n",
        "X-Forwarded-For: 203.0.113.9, 127.0.0.1\r\n",
        "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=127.0.0.1\r\n",
        "X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 127.0.0.1\r\n",
        "X-Forwarded-For: \r\n",
        "X-Forwarded-For: ::ffff:203.0.113.9\r\n",
        "",
    ],
)
async def test_no_header_makes_this_machine_of_another(address: str, headers: str) -> None:
    status, whole = await answer_to(address, asked("GET", "/mon/api/pipeline", headers))
    assert status == 401, whole


async def test_two_requests_in_one_are_two(address: str, guarded: GuardedAgent) -> None:
    """What lies behind a body is a request of its own, and nobody's."""
    (token,) = bearer(await guarded.token("see")).values()
    smuggled = asked("GET", "/mon/streams")
    first = asked("GET", "/mon/healthz", f"{ELSEWHERE}Content-Length: {len(smuggled)}\r\n").replace(
        "Connection: close\r\n", ""
    )
    _, whole = await answer_to(address, first + smuggled + asked("GET", "/mon/healthz"))
    assert whole.count(b"HTTP/1.1 200") == 2
    both = f"{ELSEWHERE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\nAuthorization: {token}\r\n"
    status, _ = await answer_to(address, asked("GET", "/mon/streams", both) + "0\r\n\r\n")
    assert status == 400


async def test_a_foreign_name_by_the_proxys_word_is_foreign(address: str) -> None:
    headers = f"{ELSEWHERE}X-Forwarded-Host: evil.example\r\n"
    status, _ = await answer_to(address, asked("GET", "/mon/sign-in", headers))
    assert status == 421


async def test_a_compressed_body_is_neither_taken_nor_inflated(address: str) -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    headers = f"Content-Type: text/csv\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n"
    before = time.process_time()
    status, _ = await answer_to(address, asked("PUT", "/mon/expected", headers) + bomb.decode("latin-1"))
    assert status == 415
    assert time.process_time() - before < 0.3, "inflating it takes longer"


@pytest.mark.parametrize("path", ["/mon/sign-in", "/mon/expected"])
async def test_a_body_that_does_not_arrive_is_not_waited_for(
    guarded: GuardedAgent, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(deadline, "BODY_S", 0.2)
    token = await guarded.token("operate")
    client = await guarded.serve(base_path="/mon")
    kind = "application/json" if path == "/mon/expected" else "application/x-www-form-urlencoded"
    headers = f"Authorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n"
    status, whole = await answer_to(str(client._base_url), asked("POST", path, headers))
    assert status == 408, whole


@pytest.mark.parametrize("there", ["//[", "//%E2%84%80", "http://[x"])
async def test_a_place_to_go_that_is_none_is_not_followed(address: str, there: str) -> None:
    status, whole = await answer_to(address, asked("GET", f"/mon/sign-in?next={there}"))
    assert status == 200, whole
    assert b'name="next" value="/mon/"' in whole


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "utf-16", "rot13", "x"])
async def test_forms_are_in_utf_8(address: str, charset: str) -> None:
    headers = f"Content-Type: application/x-www-form-urlencoded; charset={charset}\r\nContent-Length: 12\r\n"
    status, whole = await answer_to(address, asked("POST", "/mon/sign-in", headers) + "token=\\ud800")
    assert status == 415, whole


async def test_what_is_no_http_is_logged_once_and_without_a_traceback(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        status, _ = await answer_to(address, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert status == 400
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) <= 1, "one a minute"
    assert not any(record.exc_info for record in said)


async def test_connections_are_limited_and_leave_files_for_the_rest(
    guarded: GuardedAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "max_connections", lambda: 3)
    client = await guarded.serve(base_path="/mon")
    host, port = str(client._base_url).removeprefix("http://").rstrip("/").split(":")
    kept = []
    for _ in range(3):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(asked("GET", "/mon/healthz", "").replace("close", "keep-alive").encode())
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        kept.append(writer)
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b"", "closed at once"
    writer.close()
    assert "there are 3 connections to the pages, and no more are accepted" in caplog.text
    kept.pop().close()
    for _ in range(100):
        with contextlib.suppress(ConnectionError, IndexError, ValueError):
            status, _ = await answer_to(str(client._base_url), asked("GET", "/mon/healthz", ""))
            break
        await asyncio.sleep(0.02)
    assert status == 200
    for writer in kept:
        writer.close()


def test_connections_take_a_quarter_of_the_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((64, 16), (1024, 256), (10**6, 256), (resource.RLIM_INFINITY, 256), (2, 1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert listener.max_connections() == most
