"""The store that the settings name."""

from tsmon.errors import SettingsError
from tsmon.settings import MonitoringSettings
from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

__all__ = ["influx_connection", "store_from"]


def store_from(settings: MonitoringSettings) -> Store:
    """InfluxDB as configured, not yet opened; raises :class:`~tsmon.errors.SettingsError` for what lacks."""
    for key in ("organization", "bucket"):
        if not getattr(settings, key):
            raise SettingsError(
                f"monitoring.{key} is not set; set it in tsmon.toml or as TSMON_MONITORING__{key.upper()}"
            )
    return InfluxStore(influx_connection(settings), create_bucket=settings.create_bucket)


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
        proxy=settings.proxy,
        timeout_s=settings.timeout,
    )
