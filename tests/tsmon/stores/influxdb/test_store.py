"""The InfluxDB store over the real server: writing, and what it says when it cannot."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.proxy import Fault, Proxy, proxy_to
from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.api import ERROR_BYTES

T = 1_700_000_000_000_000_000
LINE = b"m v=1 1700000000000000000"
ALL = Selector("m", "v")

Connect = Callable[..., InfluxConnection]


@pytest.fixture
def connect(influxdb: InfluxDB, bucket: str) -> Connect:
    """A connection to the run's server and the test's bucket, with changes."""

    def make(**changes: Any) -> InfluxConnection:
        plain = {"url": influxdb.url, "org": influxdb.org, "bucket": bucket, "token": influxdb.token}
        return InfluxConnection(**{**plain, **changes})

    return make


@pytest.fixture
async def proxy(influxdb: InfluxDB) -> AsyncIterator[Proxy]:
    async with proxy_to(influxdb.port) as opened:
        yield opened


async def sentence_of(store: InfluxStore, kind: type[StoreError] = StoreUnavailableError) -> str:
    """What a failed check says; a write says the same."""
    with pytest.raises(kind) as checked:
        await store.check()
    async with store:
        with pytest.raises(kind) as written:
            await store.write(LINE)
    assert str(written.value) == str(checked.value)
    assert "\n" not in str(checked.value)
    return str(checked.value)


async def test_a_check_passes_where_a_write_would_and_writes_nothing(connect: Connect) -> None:
    store = InfluxStore(connect())
    await store.check()
    async with store:
        await store.check()
        assert await store.newest(ALL) == []


async def test_a_wrong_token_is_reported(connect: Connect) -> None:
    sentence = await sentence_of(InfluxStore(connect(token="wrong")))
    assert re.search(r"does not accept the token \(401\); correct monitoring\.token or token_file$", sentence)
    assert "wrong" not in sentence


async def test_a_missing_token_is_reported(connect: Connect) -> None:
    assert "(401)" in await sentence_of(InfluxStore(connect(token="")))


async def test_a_token_that_may_only_read_is_reported(connect: Connect, influxdb: InfluxDB, bucket: str) -> None:
    sentence = await sentence_of(InfluxStore(connect(token=influxdb.new_token(bucket, "read"))))
    assert "does not permit this with the token (403: insufficient permissions for write)" in sentence


async def test_a_token_that_may_only_write_this_bucket_suffices(
    connect: Connect, influxdb: InfluxDB, bucket: str
) -> None:
    await InfluxStore(connect(token=influxdb.new_token(bucket, "write"))).check()


async def test_a_wrong_organization_is_reported(connect: Connect) -> None:
    sentence = await sentence_of(InfluxStore(connect(org="nowhere")))
    assert sentence.endswith(
        'does not know the organization (404: organization name "nowhere" not found); '
        "correct monitoring.organization"
    )


async def test_a_wrong_bucket_is_reported(connect: Connect, influxdb: InfluxDB) -> None:
    sentence = await sentence_of(InfluxStore(connect(bucket="nowhere")))
    assert sentence == (
        f"InfluxDB at {influxdb.url} (organization '{influxdb.org}', bucket 'nowhere') does not know the bucket "
        '(404: bucket "nowhere" not found); create it or correct monitoring.bucket'
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "Connection refused; is it running"),
        ("http://localhost:1", "Connection refused; is it running"),
        ("http://no-such-host.invalid:8086", "the host name is not known"),
        ("http://localhost:70000", "that is no address"),
        ("http://", "that is no address"),
        ("http://a..b:8086", "that is no address"),
        (f"http://{'x' * 64}:8086", "that is no address"),
    ],
)
async def test_a_wrong_address_is_reported(connect: Connect, url: str, reason: str) -> None:
    sentence = await sentence_of(InfluxStore(connect(url=url)))
    assert sentence.startswith(f"InfluxDB at {url} cannot be reached: {reason}")


async def test_a_wrong_path_in_the_address_is_reported(connect: Connect, influxdb: InfluxDB) -> None:
    assert "is it InfluxDB 2.x" in await sentence_of(InfluxStore(connect(url=f"{influxdb.url}/elsewhere")))


async def test_a_base_path_and_a_slash_at_the_end_belong_to_the_address(
    connect: Connect, influxdb: InfluxDB
) -> None:
    await InfluxStore(connect(url=f"{influxdb.url}/")).check()


async def test_something_else_than_http_is_reported(connect: Connect) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sentence = await sentence_of(InfluxStore(connect(url=f"http://127.0.0.1:{port}")))
        assert "cannot be reached" in sentence


async def test_an_answer_that_never_comes_is_reported(connect: Connect, proxy: Proxy) -> None:
    proxy.rule = lambda _: Fault()
    sentence = await sentence_of(InfluxStore(connect(url=proxy.url, timeout_s=0.1)))
    assert "no answer within 0.1 s" in sentence


@pytest.mark.parametrize("fault", [Fault(302, headers={"Location": "/signin"}), Fault(200, "<html>")])
async def test_a_sign_in_page_is_no_success(connect: Connect, proxy: Proxy, fault: Fault) -> None:
    proxy.rule = lambda _: fault
    assert str(fault.status) in await sentence_of(InfluxStore(connect(url=proxy.url)))


async def test_a_missing_bucket_is_created_on_request(connect: Connect, influxdb: InfluxDB) -> None:
    name = "made on request ü"
    async with InfluxStore(connect(bucket=name), create_bucket=True, retention_s=7_200) as store:
        await store.write(LINE.replace(b" 1700", b" 4700"))
        await store.write(LINE.replace(b" 1700", b" 4701"))
        assert len(await store.newest(ALL)) == 1
        with pytest.raises(StoreRefusedError, match="retention"):
            await store.write(LINE)
    influxdb.drop(name)


async def test_a_bucket_that_several_create_at_once_is_created_once(connect: Connect, influxdb: InfluxDB) -> None:
    stores = [InfluxStore(connect(bucket="made by many"), create_bucket=True) for _ in range(5)]
    await asyncio.gather(*(store.check() for store in stores))
    influxdb.drop("made by many")


async def test_a_bucket_that_the_token_may_not_create_is_reported(
    connect: Connect, influxdb: InfluxDB, bucket: str
) -> None:
    token = influxdb.new_token(bucket, "write")
    store = InfluxStore(connect(bucket="forbidden", token=token), create_bucket=True)
    sentence = await sentence_of(store)
    assert "the bucket cannot be created, since the token does not see the organization" in sentence


async def test_a_bucket_that_the_server_will_not_create_is_reported(connect: Connect, proxy: Proxy) -> None:
    proxy.rule = lambda seen: Fault(403, '{"message":"forbidden"}') if seen.target.endswith("/buckets") else None
    store = InfluxStore(connect(url=proxy.url, bucket="forbidden"), create_bucket=True)
    assert "the bucket cannot be created (403: forbidden); create it yourself" in await sentence_of(store)


async def test_a_wrong_organization_is_reported_where_the_bucket_should_be_created(connect: Connect) -> None:
    sentence = await sentence_of(InfluxStore(connect(org="nowhere"), create_bucket=True))
    assert "does not know the organization" in sentence


async def test_the_organization_may_be_left_out_where_the_token_sees_one(connect: Connect) -> None:
    async with InfluxStore(connect(org="")) as store:
        await store.write(LINE)
        assert len(await store.newest(ALL)) == 1


@pytest.mark.parametrize(("names", "reason"), [([], r"0 organizations \(none\)"), (["a", "b"], r"2 .* \(a, b\)")])
async def test_an_organization_that_cannot_be_found_is_reported(
    connect: Connect, proxy: Proxy, names: list[str], reason: str
) -> None:
    answer = json.dumps({"orgs": [{"name": name, "id": "0"} for name in names]})
    proxy.rule = lambda seen: Fault(200, answer) if "/orgs" in seen.target else None
    sentence = await sentence_of(InfluxStore(connect(url=proxy.url, org="")))
    assert re.search(rf"monitoring\.organization is not set and the token sees {reason}", sentence)


async def test_another_server_that_answers_the_search_is_reported(connect: Connect, proxy: Proxy) -> None:
    proxy.rule = lambda _: Fault(200, "<html>")
    assert "is it InfluxDB 2.x" in await sentence_of(InfluxStore(connect(url=proxy.url, org="")))


async def test_a_token_that_was_changed_in_its_file_is_taken_up(
    connect: Connect, influxdb: InfluxDB, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    async with InfluxStore(connect(token="", token_file=file)) as store:
        with pytest.raises(StoreUnavailableError):
            await store.write(LINE)
        file.write_text(influxdb.token)
        await store.write(LINE)


async def test_bodies_are_compressed_unless_the_server_is_this_machine(connect: Connect, proxy: Proxy) -> None:
    async with InfluxStore(connect(url=proxy.url)) as store:
        await store.write(LINE)
        await store.newest(Selector("m", "v"))
    async with InfluxStore(connect(proxy=proxy.url)) as store:
        await store.write(LINE * 1 + b"\n" + LINE.replace(b"m v", b"n v"))
        assert len(await store.newest(Selector("n", "v"))) == 1
    plain, packed = (seen for seen in proxy.seen if "/write" in seen.target)
    assert ("content-encoding" not in plain.headers, plain.body) == (True, LINE)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body.startswith(b"\x1f\x8b")
    near, far = (seen.headers["accept-encoding"] for seen in proxy.seen if "/query" in seen.target)
    assert near == "identity"
    assert "gzip" in far


async def test_a_large_body_is_written_whole(connect: Connect) -> None:
    lines = [f"m v={n} {T + n}" for n in range(100_000)]
    async with InfluxStore(connect()) as store:
        await store.write("\n".join(lines).encode())
        [found] = await store.bins(ALL, start_ns=T, stop_ns=T + 10**9, every_ns=2**62)
        assert found.count == 100_000


async def test_of_a_long_answer_no_more_is_read_than_is_shown(connect: Connect) -> None:
    async with InfluxStore(connect()) as store:
        with pytest.raises(StoreRefusedError) as caught:
            await store.write(b"\n".join(b"x" * 60 + b"%d" % n for n in range(3_000)))
        assert caught.value.status == 400
        assert caught.value.lines is None
        assert len(str(caught.value)) < 600 < ERROR_BYTES
        await store.write(LINE)


async def test_a_query_that_makes_no_sense_is_refused(connect: Connect) -> None:
    async with InfluxStore(connect()) as store:
        with pytest.raises(StoreRefusedError, match=r"refused the query: .*undefined identifier nonsense"):
            await store.query("nonsense")


async def test_queries_of_a_missing_bucket_are_reported(connect: Connect) -> None:
    async with InfluxStore(connect(bucket="nowhere")) as store:
        with pytest.raises(StoreUnavailableError, match="does not know the bucket"):
            await store.newest(ALL)


async def test_a_store_that_is_not_open_says_so(connect: Connect) -> None:
    store = InfluxStore(connect())
    with pytest.raises(StoreError, match="not open"):
        await store.write(LINE)


async def test_opening_twice_leaks_nothing(connect: Connect) -> None:
    store = InfluxStore(connect())
    await store.open()
    await store.open()
    await store.write(LINE)
    await store.close()
    await store.close()


async def test_neither_text_nor_representation_shows_the_token(connect: Connect, influxdb: InfluxDB) -> None:
    store = InfluxStore(connect(proxy="http://user:hidden@127.0.0.1:1"))
    assert influxdb.token not in repr(store) + str(store)
    assert "hidden" not in repr(store) + str(store)
