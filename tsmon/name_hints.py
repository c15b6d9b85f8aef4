"""Names that are looked for in ``tsmon`` itself, and where they are."""

from typing import Any, Final

__all__ = ["find_name"]

_FOUND_IN: Final = {
    "tsmon.monitor.background": ("BackgroundMonitor",),
    "tsmon.work": (
        "InProgressCounter",
        "Timing",
        "WorkData",
        "carry_work",
        "count_exceptions",
        "current_work",
        "measure_work",
        "timed",
    ),
    "tsmon.settings": ("MonitoringSettings", "Section", "Settings", "load_settings"),
    "tsmon.stores": ("Selector", "Store"),
    "tsmon.stores.memory": ("MemoryStore",),
    "tsmon.stores.sqlite": ("SqliteStore",),
    "tsmon.stores.influxdb": ("InfluxStore",),
    "tsmon.stores.factory": ("store_from",),
    "tsmon.line_protocol": ("encode", "parse", "parse_line"),
    "tsmon.integrations.logging": ("LogHandler",),
    "tsmon.integrations.asgi, tsmon.integrations.wsgi or tsmon.integrations.django": ("RequestMiddleware",),
    "tsmon.integrations.aiohttp": ("instrument",),
}


def find_name(name: str) -> Any:
    """Return the version; else raise ImportError with the place of a name, or AttributeError if it has none."""
    if name == "__version__":
        from tsmon.version import VERSION

        return VERSION
    for place, names in _FOUND_IN.items():
        if name in names:
            # An AttributeError's text would be lost in `from tsmon import name`.
            module = place.partition(",")[0]
            raise ImportError(f"{name} is in {place}; write: from {module} import {name}", name="tsmon")
    raise AttributeError(f"module 'tsmon' has no attribute {name!r}", name=name)
