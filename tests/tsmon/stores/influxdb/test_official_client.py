"""Clients of influxdb-client that the store hands out reach the same server in the same way."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.proxy import proxy_to
from tests.tsmon.stores.influxdb.test_tls_and_proxy import LINE, Papers, connection, papers, secure
from tsmon.errors import SettingsError, StoreError
from tsmon.settings import MonitoringSettings
from tsmon.stores.factory import store_from
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

__all__ = ["papers", "secure"]


async def check_both(store: InfluxStore) -> None:
    """Both clients find the point that the store writes."""
    async with store:
        await store.write(LINE)
    flux = f'from(bucket: "{store.connection.bucket}") |> range(start: 0)'
    with store.client() as client:
        found = client.query_api().query(flux)
        assert [record.get_value() for table in found for record in table.records] == [1.0]
        assert client.conf.timeout == 30_000
    async with await store.async_client() as client:
        found = await client.query_api().query(flux)
        assert [record.get_value() for table in found for record in table.records] == [1.0]


async def test_token_organization_and_timeout_are_the_stores(influxdb: InfluxDB) -> None:
    await check_both(InfluxStore(connection(influxdb)))


async def test_the_only_organization_is_found(influxdb: InfluxDB) -> None:
    await check_both(InfluxStore(connection(influxdb, org="")))
    async with InfluxStore(connection(influxdb, org="")) as store, await store.async_client() as client:
        assert client.org == influxdb.org


async def test_a_token_of_a_file_and_the_settings(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{influxdb.token}\n")
    settings = MonitoringSettings(
        url=f"{influxdb.url}/api/v2", organization=influxdb.org, bucket=bucket, token_file=file, timeout=30
    )
    store = store_from(settings)
    assert isinstance(store, InfluxStore)
    await check_both(store)
    file.write_text("a\nb")
    with pytest.raises(SettingsError, match="contains a line break"):
        store.client()


async def test_tls_with_an_own_authority_and_a_client_certificate(secure: InfluxDB, papers: Papers) -> None:
    await check_both(InfluxStore(connection(secure, ca_file=papers.authority_file, cert_file=papers.client_file)))
    untrusting = InfluxStore(connection(secure)).client()
    with untrusting as client, pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        client.query_api().query("buckets()")


async def test_a_proxy_and_compression(influxdb: InfluxDB) -> None:
    async with proxy_to(influxdb.port) as proxy:
        store = InfluxStore(connection(influxdb, proxy=proxy.url))
        async with store:
            await store.write(LINE)
        flux = f'from(bucket: "{store.connection.bucket}") |> range(start: 0)'
        before = len(proxy.seen)
        with store.client() as client:
            assert client.conf.enable_gzip
            found = await asyncio.to_thread(client.query_api().query, flux)
            assert [record.get_value() for table in found for record in table.records] == [1.0]
        async with await store.async_client() as client:
            found = await client.query_api().query(flux)
            assert [record.get_value() for table in found for record in table.records] == [1.0]
        assert len(proxy.seen) == before + 2


def test_where_the_organization_cannot_be_found_it_is_one_sentence() -> None:
    with pytest.raises(
        StoreError, match=r"^the organization cannot be found \(.*\); set monitoring\.organization$"
    ):
        InfluxStore(InfluxConnection(url="http://127.0.0.1:9", timeout_s=1)).client()


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    store = InfluxStore(InfluxConnection(org="o"))
    remedy = r"^influxdb-client is not installed; pip install 'tsmon\[influxdb-client\]'$"
    monkeypatch.setitem(sys.modules, "influxdb_client", None)
    with pytest.raises(StoreError, match=remedy):
        store.client()
    monkeypatch.setitem(sys.modules, "influxdb_client.client.influxdb_client_async", None)
    with pytest.raises(StoreError, match=remedy):
        await store.async_client()


async def test_without_the_packages_of_the_asynchronous_client_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StoreError, match=r"pip install 'tsmon\[influxdb-client\]'"):
        await InfluxStore(InfluxConnection(org="o")).async_client()
