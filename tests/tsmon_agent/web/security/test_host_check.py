"""Every request is sent as an attacker's browser would send it, to a real server."""

import aiohttp
import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.settings import Settings, WebSettings
from tsmon_agent.web import WebServer

PATHS = [
    "/",
    "/pipeline",
    "/api/pipeline",
    "/api/host/series?chart=cpu",
    "/healthz",
    "/readyz",
    "/favicon.svg",
    "/live",
]


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9000", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1@x", ""],
)
async def test_a_foreign_name_is_refused_everywhere(served: ServedAgent, path: str, host: str) -> None:
    """Such a name may have been made to resolve to this machine by the page that sends it."""
    async with served.client.get(path, headers={"Host": host}) as response:
        assert response.status == 421
        assert await response.text() == (
            "The address you used is not one of this agent's; add its name to web.allowed_hosts.\n"
        )


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:9000"])
async def test_names_of_loopback_are_own(served: ServedAgent, host: str) -> None:
    async with served.client.get("/healthz", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mon.example", 200),
        ("mon.example:444", 200),
        ("other.example:443", 200),
        ("other.example", 421),
        ("other.example:444", 421),
        ("0.0.0.0:9000", 200),
    ],
)
async def test_allowed_hosts_are_own_with_their_ports(
    served: ServedAgent, settings: Settings, host: str, status: int
) -> None:
    web = WebSettings(
        listen="0.0.0.0",
        open_to_everyone=True,
        allow_unencrypted=True,
        port=0,
        allowed_hosts=["Mon.Example", "other.example:443"],
    )
    server = WebServer(served.context, web)
    await server.start()
    try:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        async with served.client.get(f"{address}/healthz", headers={"Host": host}) as response:
            assert response.status == status
    finally:
        await server.stop()


async def test_the_address_that_was_connected_to_is_own(served: ServedAgent) -> None:
    """All of 127.0.0.0/8 is this machine; a page cannot choose the address that a connection goes to."""
    server = WebServer(
        served.context, WebSettings(listen="0.0.0.0", open_to_everyone=True, allow_unencrypted=True, port=0)
    )
    await server.start()
    try:
        address = server.address.replace("0.0.0.0", "127.0.0.7")
        async with served.client.get(f"{address}/healthz") as response:
            assert response.status == 200
    finally:
        await server.stop()


async def test_a_websocket_of_a_foreign_page_is_refused(served: ServedAgent) -> None:
    port = served.address.rpartition(":")[2]
    foreign = ["http://evil.example", "null", f"http://localhost:{int(port) + 1}", f"ftp://127.0.0.1:{port}", ""]
    for origin in foreign:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await served.client.ws_connect("/live?page=host", headers={"Origin": origin})
        assert refused.value.status == 403, origin


async def test_a_websocket_under_a_foreign_name_is_refused(served: ServedAgent) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.client.ws_connect(
            "/live?page=host", headers={"Host": "evil.example", "Origin": "http://evil.example"}
        )
    assert refused.value.status == 421


async def test_a_websocket_of_an_own_page_is_taken(served: ServedAgent) -> None:
    async with served.client.ws_connect("/live?page=host", headers={"Origin": served.address}) as socket:
        assert (await socket.receive_json())["type"] == "hello"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_a_changing_request_of_a_foreign_page_is_refused(served: ServedAgent, method: str) -> None:
    async with served.client.request(method, "/", headers={"Origin": "http://evil.example"}) as response:
        assert response.status == 403
