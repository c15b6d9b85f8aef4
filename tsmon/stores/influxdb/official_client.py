"""Clients of the package influxdb-client, configured as the store is, for a program's own Flux.

The package is an extra, ``tsmon[influxdb-client]``; it is imported only when a client is made.
"""

import importlib.util
from typing import TYPE_CHECKING, Any

from tsmon.errors import StoreError
from tsmon.stores.influxdb.connection import InfluxConnection

if TYPE_CHECKING:
    from influxdb_client import InfluxDBClient
    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

__all__ = ["make_async_client", "make_client"]


def make_client(connection: InfluxConnection, organization: str) -> "InfluxDBClient":
    """Make a client; without an organization, its own is the only one that the token can see."""
    try:
        from influxdb_client import InfluxDBClient
    except ImportError:
        raise _missing() from None
    client = InfluxDBClient(**_options(connection, organization))
    if not organization:
        try:
            found = client.organizations_api().find_organizations()
            names = [one.name for one in found]
        except Exception as error:
            client.close()
            status = getattr(error, "status", None)
            # urllib3's own words are about its objects.
            reason = (
                f"{status} {getattr(error, 'reason', '')}".strip() if status else "the server cannot be reached"
            )
            raise StoreError(f"the organization cannot be found ({reason}); set monitoring.organization") from None
        if len(names) != 1:
            client.close()
            raise StoreError(f"the token sees {len(names)} organizations; set monitoring.organization")
        client.org = names[0]
    return client


def make_async_client(connection: InfluxConnection, organization: str) -> "InfluxDBClientAsync":
    """Make an asynchronous client on the running event loop."""
    if importlib.util.find_spec("aiocsv") is None:  # without it the client fails at the first query
        raise _missing()
    try:
        from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
    except ImportError:
        raise _missing() from None
    return InfluxDBClientAsync(**_options(connection, organization))


def _options(connection: InfluxConnection, organization: str) -> dict[str, Any]:
    return {
        "url": connection.url,
        "token": connection.read_token(),
        "org": organization or None,
        "timeout": round(connection.timeout_s * 1_000),
        "enable_gzip": not connection.loopback or connection.proxy is not None,
        "ssl_context": connection.ssl_context(),
        "proxy": connection.proxy,
    }


def _missing() -> StoreError:
    return StoreError("influxdb-client is not installed; pip install 'tsmon[influxdb-client]'")
