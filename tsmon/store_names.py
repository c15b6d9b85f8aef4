"""Names of stores: tsmon's own, and those that other packages register as entry points.

tsmon's own are known without the metadata of installed packages, which programs bundled by PyInstaller or zipapp
lack.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Final

__all__ = ["BUILT_IN", "registered_stores", "store_names"]

GROUP: Final = "tsmon.stores"

BUILT_IN: Final[dict[str, frozenset[str]]] = {
    "influxdb": frozenset({"url", "host", "port", "ssl", "organization", "bucket", "token", "token_file"}),
    "memory": frozenset(),
    "sqlite": frozenset(),
}
"""tsmon's own stores, each with the settings of which any means it if ``monitoring.store`` is ``auto``.

``pyproject.toml`` registers them too, for those who list the entry points.
"""


def store_names() -> list[str]:
    """All names that ``monitoring.store`` accepts, sorted."""
    return sorted({"auto", *BUILT_IN, *entry_points(group=GROUP).names})


def registered_stores() -> list[EntryPoint]:
    """The stores of other packages, sorted by name; none takes the name of one of tsmon's own."""
    found = {one.name: one for one in entry_points(group=GROUP) if one.name not in BUILT_IN}
    return [found[name] for name in sorted(found)]
