import asyncio
import time
from typing import Any

import aiohttp
import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent, cpu, disk, eventually, net
from tsmon.time_units import SECOND_NS
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.streams.inventory import load_streams, parse_stream_csv
from tsmon_agent.web.host.live_messages import HostMessages


async def next_of(socket: "aiohttp.ClientWebSocketResponse[bool]", kind: str) -> Any:
    async with asyncio.timeout(10):
        while (message := await socket.receive_json())["type"] != kind:
            pass
    return message


async def test_a_page_gets_every_round(served: ServedAgent) -> None:
    async with served.client.ws_connect("/live?page=host") as socket:
        await next_of(socket, "beat")
        served.publish("cpu", cpu(30.0))
        message = await next_of(socket, "round")
    assert message["figures"]["cpu"][0]["value"] == "30.0\xa0%"
    assert message["values"]["cpu"]["user:"] == 20.0
    assert abs(message["time"] - time.time() * 1e3) < 60_000


async def test_counters_arrive_as_rates_since_the_round_before(served: ServedAgent) -> None:
    now_ns = time.time_ns()
    served.publish("net", net("eth0", received=0, sent=0), time_ns=now_ns - 10 * SECOND_NS)
    async with served.client.ws_connect("/live?page=host") as socket:
        await next_of(socket, "beat")
        served.publish("net", net("eth0", received=10_240, sent=5), time_ns=now_ns)
        message = await next_of(socket, "round")
        assert message["values"]["net"] == {"received:eth0": 1024.0, "sent:eth0": 0.5}
        assert message["figures"]["net"][0]["value"] == "↓\xa01.00\xa0KiB/s  ↑\xa00\xa0B/s"
        served.publish("net", net("eth0", received=0, sent=0), time_ns=now_ns + 10 * SECOND_NS)
        message = await next_of(socket, "round")
        assert message["values"]["net"] == {}
        assert "unavailable" in message["figures"]["net"][0]["value"]


async def test_a_beat_names_the_cards_without_news(served: ServedAgent) -> None:
    served.publish("disk", disk("/", 1.0), time_ns=time.time_ns() - 3_600 * SECOND_NS)
    async with served.client.ws_connect("/live?page=host") as socket:
        assert (await next_of(socket, "beat"))["stale"] == ["disk"]


async def test_all_pages_get_the_same_message_made_once(
    served: ServedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    encode_round = HostMessages.encode_round

    def counted(messages: HostMessages, new: Round) -> bytes:
        nonlocal made
        made += 1
        return encode_round(messages, new)

    monkeypatch.setattr(HostMessages, "encode_round", counted)
    async with (
        served.client.ws_connect("/live?page=host") as first,
        served.client.ws_connect("/live?page=host") as second,
    ):
        await next_of(first, "beat")
        await next_of(second, "hello")
        served.publish("cpu", cpu(1.0))
        assert await next_of(first, "round") == await next_of(second, "round")
    assert made == 1


async def test_without_a_page_nothing_listens(served: ServedAgent) -> None:
    listeners = served.context.live._subscribers
    async with served.client.ws_connect("/live?page=host") as socket:
        await next_of(socket, "beat")
        assert len(listeners) == 1
    await eventually(lambda: not listeners)


async def test_a_round_that_cannot_be_shown_does_not_end_the_stream(
    served: ServedAgent, caplog: pytest.LogCaptureFixture
) -> None:
    async with served.client.ws_connect("/live?page=host") as socket:
        await next_of(socket, "beat")
        served.publish("mem", cpu(1.0))
        served.publish("cpu", cpu(2.0))
        assert "cpu" in (await next_of(socket, "round"))["values"]
    assert "a round of the sampler mem cannot be shown" in caplog.text


async def test_the_page_of_the_pipeline_gets_its_status(served: ServedAgent) -> None:
    async with served.client.ws_connect("/live?page=pipeline") as socket:
        await served.store(cpu(1.0))
        async with asyncio.timeout(10):
            while (await next_of(socket, "pipeline"))["pipeline"]["written"] != 1:
                pass


async def test_an_unknown_page_or_a_plain_request_is_refused(served: ServedAgent) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.client.ws_connect("/live?page=<b>")
    assert refused.value.status == 400
    assert await served.get_text("/live", 400) == "This address is for WebSockets.\n"


async def test_a_page_that_says_too_much_is_closed(served: ServedAgent) -> None:
    async with served.client.ws_connect("/live?page=host") as socket:
        await socket.send_str("x" * 10_000)
        async with asyncio.timeout(10):
            async for _ in socket:
                pass
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_page_that_does_not_listen_is_cut_off(served: ServedAgent) -> None:
    """It is written to until the system's buffers are full, and a number of messages more."""
    many = [disk(f"/{i:0500}", 1.0) for i in range(200)]
    deaf = await served.client.ws_connect("/live?page=host")
    listeners = served.context.live._subscribers
    await eventually(lambda: len(listeners) == 1)
    for _ in range(3_000):
        served.publish("disk", *many)
        await asyncio.sleep(0)
        if not listeners:
            break
    else:
        pytest.fail("the deaf page is still connected")
    await deaf.close()


async def test_pages_learn_that_the_agent_stops(served: ServedAgent) -> None:
    async with served.client.ws_connect("/live?page=host") as socket:
        await next_of(socket, "hello")
        stopping = asyncio.create_task(served.server.stop())
        async with asyncio.timeout(10):
            async for _ in socket:
                pass
            await stopping
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


class TestStreams:
    """Live messages for the pages of streams."""

    async def look(self, served: ServedAgent, *ages_s: int) -> None:
        now = time.time_ns()
        lines = [
            f"ctd,reference_designator=A-{n},method=m value=1 {now - age_s * SECOND_NS}"
            for n, age_s in enumerate(ages_s)
        ]
        await served.context.store.write("\n".join(lines).encode())
        await served.context.freshness.run_round(served.context.store)

    async def expect(self, served: ServedAgent) -> None:
        rows = parse_stream_csv("A-0,m,ctd,1,60,600\nA-1,m,ctd,1,60,600\n", served.context.settings, source="t")
        await served.context.state.run(lambda session: load_streams(session, rows))

    async def test_a_page_gets_changes_at_once_and_nothing_else(self, served: ServedAgent) -> None:
        await self.expect(served)
        await self.look(served, 100, 100)
        async with served.client.ws_connect("/live?page=streams") as socket:
            first = await next_of(socket, "streams")
            assert (first["sites"], first["instruments"], first["streams"]) == ({}, {}, {})
            started = time.monotonic()
            await self.look(served, 1)
            message = await next_of(socket, "streams")
        assert time.monotonic() - started < 4.0
        assert message["streams"] == {"A-0 m ctd": "operational"}
        assert message["instruments"] == {"A-0": "operational"}
        assert message["sites"] == {}

    async def test_a_page_that_reconnects_gets_what_it_missed(self, served: ServedAgent) -> None:
        await self.expect(served)
        await self.look(served, 100, 100)
        old = time.time_ns() // 1_000_000
        await self.look(served, 1)
        async with served.client.ws_connect(f"/live?page=streams&since={old}") as socket:
            assert (await next_of(socket, "streams"))["streams"]["A-0 m ctd"] == "operational"
        async with served.client.ws_connect(f"/live?page=streams&since={old + 60_000}") as socket:
            assert (await next_of(socket, "streams"))["streams"] == {}

    async def test_a_time_that_is_none_is_refused(self, served: ServedAgent) -> None:
        for since in ("", "x", "1.5", "9" * 30):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await served.client.ws_connect(f"/live?page=streams&since={since}")
            assert refused.value.status == 400
