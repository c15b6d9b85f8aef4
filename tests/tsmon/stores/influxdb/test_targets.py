"""Targets that take writes as InfluxDB does, and differ in all else; an organization that is known by its id."""

import time
from collections.abc import Callable

import pytest
from aiohttp import web

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.services.proxy import Fault, Seen, proxy_to
from tests.services.recorded import Answer, recorded_server
from tsmon.errors import StoreUnavailableError
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.query_types import Selector
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.time_units import SECOND_NS

HOUR_NS = 3_600 * SECOND_NS


def accept(status: int, text: str) -> Callable[[list[str]], Answer]:
    return lambda lines: Answer(status, text, tuple(range(len(lines))))


@pytest.mark.parametrize(
    ("status", "text"),
    [(204, ""), (200, ""), (202, ""), (200, "ok"), (200, "OK\n"), (200, "{}"), (201, '{"status":"ok"}')],
)
async def test_a_success_that_says_no_more_is_an_acknowledgement(status: int, text: str) -> None:
    async with recorded_server(accept(status, text)) as server:
        async with InfluxStore(InfluxConnection(url=server.url, org="o", bucket="b")) as store:
            await store.write(b"a v=1 1")
        assert server.lines == ["a v=1 1"]


@pytest.mark.parametrize(
    "text", ["<html>Please sign in</html>", '{"error":"no"}', '{"message":"sign in"}', '{"status":"error"}', "no"]
)
async def test_a_success_that_says_something_else_is_none(text: str) -> None:
    async with (
        recorded_server(accept(200, text)) as server,
        InfluxStore(InfluxConnection(url=server.url, org="o", bucket="b")) as store,
    ):
        with pytest.raises(StoreUnavailableError, match="answered 200: "):
            await store.write(b"a v=1 1")


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404, text="Not Found"),
        web.Response(status=400, text='unsupported path requested: "/api/v2/orgs"'),
        web.Response(status=404, text='{"error":"not found"}', content_type="application/json"),
        web.Response(status=405),
        web.Response(status=501),
        web.Response(status=403, text="forbidden"),
        web.Response(status=410),
        web.Response(
            status=404, text='{"code":"not found","message":"path not found"}', content_type="application/json"
        ),
        web.Response(status=200),
        web.Response(status=204),
        web.Response(status=200, text="{}", content_type="application/json"),
    ],
    ids=[
        *("QuestDB", "VictoriaMetrics", "InfluxDB 3", "405", "501", "a gateway that permits only writes", "410"),
        *("404 in InfluxDB's words", "200 to everything", "204 to everything", "{} to everything"),
    ],
)
async def test_a_server_without_organizations_is_written_to_without(answer: web.Response) -> None:
    copy = {"status": answer.status, "text": answer.text, "content_type": answer.content_type}
    async with recorded_server(accept(204, ""), lambda _: web.Response(**copy)) as server:
        async with InfluxStore(InfluxConnection(url=server.url, bucket="b")) as store:
            for number in range(3):
                await store.write(b"a v=1 %d" % number)
        assert len(server.lines) == 3
        assert [dict(one.query) for one in server.writes] == [{"bucket": "b", "precision": "ns"}] * 3
        assert len(server.requests) == 4
        assert all("Authorization" not in one.headers for one in server.requests)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(415, "Unsupported Media Type"),
        Fault(415),
        Fault(400, "unsupported Content-Encoding: gzip"),
        Fault(501, "gzip is not implemented"),
        Fault(501),
        Fault(406),
        Fault(400, '{"code":"invalid","message":"unable to parse \'\\u001f\': missing fields"}'),
    ],
    ids=["415", "415 without words", "400", "501", "501 without words", "406", "gzip taken for lines"],
)
async def test_a_server_that_refuses_gzip_gets_the_lines_as_they_are(
    influxdb: InfluxDB, bucket: str, fault: Fault
) -> None:
    def refuse(seen: Seen) -> Fault | None:
        return fault if seen.headers.get("content-encoding") == "gzip" else None

    async with proxy_to(influxdb.port) as proxy:
        proxy.rule = refuse
        connection = InfluxConnection(
            url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token, proxy=proxy.url
        )
        async with InfluxStore(connection) as store:
            for number in range(3):
                await store.write(b"numbered n=%di %d" % (number, number))
        assert [seen.headers.get("content-encoding") for seen in proxy.seen] == ["gzip", None, None, None]
    assert stored(influxdb, bucket) == [0, 1, 2]


async def test_a_gateway_that_hides_the_organizations_costs_no_points(influxdb: InfluxDB, bucket: str) -> None:
    async with proxy_to(influxdb.port) as proxy:
        proxy.rule = lambda seen: Fault(404, "no such page") if "/orgs" in seen.target else None
        connection = InfluxConnection(url=proxy.url, bucket=bucket, token=influxdb.token)
        async with InfluxStore(connection) as store:
            with pytest.raises(StoreUnavailableError, match=r"Please provide .*set monitoring\.organization"):
                await store.write(b"numbered n=1i 1")


async def test_organizations_of_another_form_are_reported() -> None:
    text = '{"orgs":[{"id":"x"}]}'
    other = web.Response(text=text, content_type="application/json")
    async with (
        recorded_server(accept(204, ""), lambda _: other) as server,
        InfluxStore(InfluxConnection(url=server.url, bucket="b")) as store,
    ):
        with pytest.raises(StoreUnavailableError, match=r"answered 200: .*is it InfluxDB"):
            await store.write(b"a v=1 1")


async def test_a_check_passes_where_the_server_knows_no_comments() -> None:
    text = (
        '{"code":"invalid","message":"failed to parse line protocol:errors encountered on line(s):\\n'
        'error in line 1: Could not parse entire line. Field value is missing: check",'
        '"line":1,"errorId":"d6a22bd0edb4-1"}'
    )
    async with recorded_server(lambda _: Answer(400, text)) as server:
        await InfluxStore(InfluxConnection(url=server.url, org="o", bucket="b")).check()


async def test_an_organization_may_be_named_by_its_id(influxdb: InfluxDB) -> None:
    bucket = f"by-id-{time.time_ns()}"
    now_ns = time.time_ns() // HOUR_NS * HOUR_NS
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org_id, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection, create_bucket=True, tiers=[RollupTier(HOUR_NS, None)]) as store:
        await store.check()
        await store.write("\n".join(f"m v={n} {now_ns - n * 60 * SECOND_NS}" for n in range(1, 600)).encode())
        for change in await store.setup_changes():
            await change.apply(lambda *_: None)
        assert await store.setup_changes() == []
        found = await store.series(
            Selector("m", "v", {}), start_ns=now_ns - 5 * HOUR_NS, stop_ns=now_ns, every_ns=HOUR_NS
        )
        assert len(found[0].values) == 5
        await store.refresh_rollups()


async def test_a_token_without_rights_on_the_rollups_is_reported_as_that(influxdb: InfluxDB, bucket: str) -> None:
    now_ns = time.time_ns() // HOUR_NS * HOUR_NS
    tiers = [RollupTier(HOUR_NS, None)]
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection, tiers=tiers) as store:
        await store.write("\n".join(f"m v={n} {now_ns - n * 60 * SECOND_NS}" for n in range(1, 600)).encode())
        for change in await store.setup_changes():
            await change.apply(lambda *_: None)
    token = influxdb.new_token(bucket, "read", "write")
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=token)
    sentence = (
        f"does not know the bucket '{bucket}_1h', or the token may not read it \\(404\\); set monitoring.token to "
        "one that may read it"
    )
    async with InfluxStore(connection, tiers=tiers) as store:
        await store.write(b"m v=1 1")
        selector = Selector("m", "v", {})
        with pytest.raises(StoreUnavailableError, match=sentence):
            await store.series(selector, start_ns=now_ns - 9 * HOUR_NS, stop_ns=now_ns, every_ns=HOUR_NS)
        with pytest.raises(StoreUnavailableError, match=sentence):
            await store.counts(selector, start_ns=now_ns - 9 * HOUR_NS, stop_ns=now_ns)
        with pytest.raises(StoreUnavailableError, match=sentence):
            await store.refresh_rollups()
