"""What is passed to ``Monitor(…)`` by mistake; each mistake is answered with the right way."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from tsmon.errors import SettingsError

__all__ = ["check_arguments"]

_IMPORT = "from tsmon.settings import MonitoringSettings, load_settings"


def check_arguments(settings: Any, service: Any, store: Any) -> None:
    """Raise :class:`~tsmon.errors.SettingsError` unless these are settings, a text and a store, or None."""
    if settings is not None and not hasattr(settings, "on_invalid"):
        raise SettingsError(
            f"Monitor(settings) takes MonitoringSettings, not {_describe(settings)}; {_hint(settings)}"
        )
    if isinstance(settings, type):
        raise SettingsError(f"Monitor(settings) takes an instance; pass {settings.__name__}()")
    if store is not None and (isinstance(store, type) or not hasattr(store, "write")):
        raise SettingsError(
            f"Monitor(store=…) takes a Store, not {_describe(store)}; to choose one by name, pass "
            f'MonitoringSettings(store="sqlite", file="metrics.db") as settings ({_IMPORT})'
        )
    if service is not None and not isinstance(service, str):
        raise SettingsError(f"Monitor(service=…) takes a text, not {_describe(service)}; name the service")


def _hint(settings: Any) -> str:
    if isinstance(settings, str | PathLike):
        path = str(settings)
        service = f", and service={path!r} if that is the name of the service" if isinstance(settings, str) else ""
        return f"pass load_settings({path!r}).monitoring ({_IMPORT}){service}"
    if isinstance(settings, Mapping):
        return f"pass MonitoringSettings(**keys) ({_IMPORT})"
    if hasattr(settings, "monitoring"):
        return "pass its part, settings.monitoring"
    if hasattr(settings, "write"):
        return "pass a store as store=…"
    return f"pass MonitoringSettings(…) ({_IMPORT})"


def _describe(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"{type(value).__name__}"
