"""The stores that are known by name: entry points of the group ``tsmon.stores``, each a subclass of Store."""

import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from tsmon.errors import SettingsError
from tsmon.stores.base import Store

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["choose_store", "load_store_class"]

GROUP: Final = "tsmon.stores"

_log = logging.getLogger("tsmon")


def choose_store(settings: "MonitoringSettings") -> str | None:
    """Name of the store that the settings mean; None if ``monitoring.store`` is ``auto`` and no key decides.

    A registered store that cannot be imported is skipped and logged; it breaks no program that does not use it.
    """
    if settings.store != "auto":
        return settings.store
    for name in sorted(entry_points(group=GROUP).names):
        try:
            store_class = load_store_class(name)
        except SettingsError as error:
            _log.warning("%s", error)
            continue
        if store_class.is_named_by(settings):
            return name
    return None


def load_store_class(name: str) -> type[Store]:
    """Import the class of a registered store; raises :class:`~tsmon.errors.SettingsError` if that fails."""
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise SettingsError(f"there is no store {name!r}; install the package that provides it")
    try:
        loaded = found[0].load()
    except Exception as error:
        raise SettingsError(
            f"the store {name!r} cannot be imported from {found[0].value} ({type(error).__name__}: {error}); "
            "install its package again, or remove it"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Store)):
        raise SettingsError(f"the store {name!r} is registered as {found[0].value}, which is no subclass of Store")
    return loaded
