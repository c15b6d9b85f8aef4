"""The store that the settings name."""

from collections.abc import Iterable
from pathlib import Path

from tsmon.errors import SettingsError
from tsmon.settings import MonitoringSettings
from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.rollup_tiers import RollupTier

__all__ = ["embedded_file", "influx_connection", "store_from"]


def store_from(
    settings: MonitoringSettings, *, embedded: bool = False, tiers: Iterable[RollupTier] | None = None
) -> Store:
    """The configured store, not yet opened.

    Where the settings name no server, ``embedded`` decides between the embedded store and a
    :class:`~tsmon.errors.SettingsError` that says what to set. ``tiers`` are those of the embedded store's rollups.
    """
    if settings.server_set:
        return InfluxStore(influx_connection(settings), create_bucket=settings.create_bucket)
    if settings.store == "sqlite" or embedded:
        from tsmon.stores.sqlite import SqliteStore

        return SqliteStore(embedded_file(settings), tiers=tiers)
    raise SettingsError(
        "no store is set; set monitoring.url, bucket and token in tsmon.toml (or TSMON_MONITORING__URL, …) "
        'for InfluxDB, or monitoring.store = "sqlite" for the embedded store'
    )


def embedded_file(settings: MonitoringSettings) -> Path:
    """File of the embedded store: as set, else in the platform's data directory."""
    if settings.file is not None:
        return settings.file
    from platformdirs import user_data_path

    return user_data_path("tsmon") / "tsmon.db"


def influx_connection(settings: MonitoringSettings) -> InfluxConnection:
    """Address and credentials of the InfluxDB server that the settings name."""
    return InfluxConnection(
        url=settings.address,
        org=settings.organization,
        bucket=settings.bucket,
        token=settings.token.get_secret_value(),
        token_file=settings.token_file,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        proxy=settings.proxy.get_secret_value() if settings.proxy else None,
        timeout_s=settings.timeout,
    )
