"""The store that the settings name."""

from collections.abc import Iterable
from typing import Final

from tsmon.errors import NoPlaceError, SettingsError
from tsmon.logs.once import warn_once
from tsmon.settings import MonitoringSettings
from tsmon.stores.base import Store
from tsmon.stores.registry import choose_store, load_store_class
from tsmon.stores.rollup_tiers import RollupTier

__all__ = ["emitting_store_from", "store_from", "store_key"]

MAX_IN_MEMORY: Final = 100_000
"""Values that are kept where the embedded store has no place."""

EMBEDDED: Final = "sqlite"
"""Name of the store that needs no settings."""


def store_from(
    settings: MonitoringSettings, *, embedded: bool = False, tiers: Iterable[RollupTier] | None = None
) -> Store:
    """The configured store, not yet open.

    If the settings name none, it is the embedded store with ``embedded``; else :class:`~tsmon.errors.SettingsError`
    is raised, with what to set. ``tiers`` are those of the store's rollups.
    """
    name = choose_store(settings) or (EMBEDDED if embedded else None)
    if name is None:
        raise SettingsError(
            "no store is set; set monitoring.url, bucket and token in tsmon.toml (or TSMON_MONITORING__URL, …) "
            'for InfluxDB, or monitoring.store = "sqlite" for the embedded store'
        )
    return load_store_class(name).from_settings(settings, tiers=tiers)


def emitting_store_from(
    settings: MonitoringSettings, *, embedded: bool = False, tiers: Iterable[RollupTier] | None = None
) -> Store:
    """As :func:`store_from`, for a program that must run: memory, logged, replaces a default without a place."""
    try:
        return store_from(settings, embedded=embedded, tiers=tiers)
    except NoPlaceError as error:
        from tsmon.stores.memory import MemoryStore

        warn_once(f"{error}; until then the newest {MAX_IN_MEMORY:,} values are kept in memory")
        return MemoryStore(max_values=MAX_IN_MEMORY)


def store_key(settings: MonitoringSettings) -> tuple[object, ...]:
    """Everything that decides which store is meant and how to reach it; equal keys need no new store."""
    name = choose_store(settings) or EMBEDDED
    return (name, *load_store_class(name).settings_key(settings))
