"""Requests that no browser and no library sends, written to the socket byte by byte."""

import asyncio

import pytest
import pytest_asyncio

from tests.tsmon_agent.web.access.conftest import House, bearer

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


async def answer_to(house_address: str, request: str) -> tuple[int, bytes]:
    """Status, and the whole answer."""
    host, port = house_address.removeprefix("http://").partition("/")[0].split(":")
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
async def address(house: House) -> str:
    client = await house.serve(trusted_proxies=["127.0.0.1"], base_path="/mon")
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


async def test_two_requests_in_one_are_two(address: str, house: House) -> None:
    """What lies behind a body is a request of its own, and nobody's."""
    (token,) = bearer(await house.token("see")).values()
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
