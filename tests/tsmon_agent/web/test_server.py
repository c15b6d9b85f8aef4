import asyncio
import socket

import aiohttp
import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon.errors import TsmonError
from tsmon_agent.agent import Agent
from tsmon_agent.context import AgentContext
from tsmon_agent.settings import Settings, WebSettings
from tsmon_agent.web import WebServer


def server_on(context: AgentContext, listen: str, port: int) -> WebServer:
    return WebServer(context, WebSettings(listen=listen, port=port, open_to_everyone=True, allow_unencrypted=True))


async def test_a_port_that_is_taken_is_named_with_the_remedy(served: ServedAgent) -> None:
    port = int(served.address.rpartition(":")[2])
    with pytest.raises(TsmonError) as failed:
        await server_on(served.context, "127.0.0.1", port).start()
    assert str(failed.value) == (
        f"the pages cannot be shown on 127.0.0.1:{port}: another program uses this port; set web.port to a free one"
    )


@pytest.mark.parametrize("listen", ["192.0.2.1", "name.invalid"])
async def test_an_address_of_another_machine_is_named_with_the_remedy(served: ServedAgent, listen: str) -> None:
    with pytest.raises(TsmonError) as failed:
        await server_on(served.context, listen, 9000).start()
    assert str(failed.value) == (
        f"the pages cannot be shown on {listen}:9000: this machine has no such address; "
        "correct web.listen (or web.port)"
    )


async def test_the_agent_says_so_too_and_leaves_nothing_running(served: ServedAgent, settings: Settings) -> None:
    port = int(served.address.rpartition(":")[2])
    file = settings.monitoring.file
    assert file is not None
    other = settings.model_copy(
        update={
            "monitoring": settings.monitoring.model_copy(update={"file": file.with_name("other.db")}),
            "web": WebSettings(port=port),
        }
    )
    with pytest.raises(TsmonError, match=r"set web\.port to a free one"):
        await Agent(other).start()


async def test_ipv6_addresses_are_in_brackets(served: ServedAgent) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    server = server_on(served.context, "::1", 0)
    try:
        await server.start()
    except TsmonError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        assert server.address.startswith("http://[::1]:")
        async with served.client.get(f"{server.address}/healthz") as response:
            assert response.status == 200
    finally:
        await server.stop()


async def test_a_stop_waits_for_no_idle_connection_and_may_be_repeated(served: ServedAgent) -> None:
    await served.get_text("/healthz")
    async with asyncio.timeout(5):
        await served.server.stop()
        await served.server.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await served.client.get("/healthz")


async def test_a_server_may_start_again_on_the_same_port(served: ServedAgent) -> None:
    port = int(served.address.rpartition(":")[2])
    await served.server.stop()
    again = server_on(served.context, "127.0.0.1", port)
    await again.start()
    assert again.address == f"http://127.0.0.1:{port}"
    await again.stop()
