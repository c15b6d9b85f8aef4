"""Names that are looked for in ``tsmon`` itself, and where they are."""

import sys
from typing import Final, NoReturn

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


def find_name(name: str) -> NoReturn:
    """Raise AttributeError, or ImportError for an import, with the place of the name."""
    for place, names in _FOUND_IN.items():
        if name in names:
            module = place.partition(",")[0]
            hint = f"{name} is in {place}; write: from {module} import {name}"
            # In `from tsmon import name` an AttributeError's text would be lost; hasattr() expects no other error.
            if sys._getframe(1).f_code.co_name == "_handle_fromlist":  # noqa: SLF001
                raise ImportError(hint, name="tsmon")
            raise AttributeError(hint, name=name)
    raise AttributeError(f"module 'tsmon' has no attribute {name!r}", name=name)
