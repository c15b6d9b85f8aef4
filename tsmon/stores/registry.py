"""The stores that are known by name: tsmon's own and entry points of the group ``tsmon.stores``."""

import logging
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Final

from tsmon.errors import SettingsError
from tsmon.logs.error_texts import describe_error
from tsmon.store_names import BUILT_IN, registered_stores
from tsmon.stores.base import Store

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["choose_store", "load_store_class"]

_log = logging.getLogger("tsmon")


def choose_store(settings: "MonitoringSettings") -> str | None:
    """Name of the store that the settings mean; None if ``monitoring.store`` is ``auto`` and no key decides.

    Keys that only one of tsmon's own stores has decide first, without importing any. Otherwise the stores of other
    packages are imported and asked. One that cannot be imported is skipped and logged; it breaks no program that
    does not use it.
    """
    if settings.store != "auto":
        return settings.store
    for name, keys in BUILT_IN.items():
        if not keys.isdisjoint(settings.model_fields_set):
            return name
    for registered in registered_stores():
        try:
            store_class = _load(registered)
        except SettingsError as error:
            _log.warning("%s", error)
            continue
        if store_class.is_named_by(settings):
            return registered.name
    return None


def load_store_class(name: str) -> type[Store]:
    """Import the class of a known store; raises :class:`~tsmon.errors.SettingsError` if that fails."""
    if name in _IMPORTS:
        return _IMPORTS[name]()
    found = next((one for one in registered_stores() if one.name == name), None)
    if found is None:
        raise SettingsError(f"there is no store {name!r}; install the package that provides it")
    return _load(found)


def _load(registered: EntryPoint) -> type[Store]:
    name, place = registered.name, registered.value
    try:
        loaded: Any = registered.load()
    except Exception as error:
        raise SettingsError(
            f"the store {name!r} cannot be imported from {place} ({describe_error(error)}); "
            "install its package again, or remove it"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Store)):
        raise SettingsError(f"the store {name!r} is registered as {place}, which is no subclass of Store")
    return loaded


def _import_influxdb() -> type[Store]:
    from tsmon.stores.influxdb import InfluxStore

    return InfluxStore


def _import_memory() -> type[Store]:
    from tsmon.stores.memory import MemoryStore

    return MemoryStore


def _import_sqlite() -> type[Store]:
    from tsmon.stores.sqlite import SqliteStore

    return SqliteStore


_IMPORTS: Final[dict[str, Callable[[], type[Store]]]] = {
    "influxdb": _import_influxdb,
    "memory": _import_memory,
    "sqlite": _import_sqlite,
}
"""Import statements instead of names of modules, so that programs that bundle tsmon find what they need."""
