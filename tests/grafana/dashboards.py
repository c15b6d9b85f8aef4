"""The committed dashboards, as the tests look at them."""

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["DIRECTORY", "GRAFANA", "dashboard", "names", "panels", "queries", "variables"]

GRAFANA: Final = Path(__file__).parents[2] / "grafana"
DIRECTORY: Final = GRAFANA / "dashboards"


def names() -> list[str]:
    """Names of the files."""
    return sorted(path.name for path in DIRECTORY.glob("*.json"))


def dashboard(name: str) -> dict[str, Any]:
    """One file."""
    found: dict[str, Any] = json.loads((DIRECTORY / name).read_text(encoding="utf-8"))
    return found


def variables(name: str) -> list[dict[str, Any]]:
    """Variables of a dashboard."""
    return list(dashboard(name)["templating"]["list"])


def panels(name: str) -> list[dict[str, Any]]:
    """Panels of a dashboard that show something; rows only part them."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str, str]]:
    """Every query of every panel: name of the file, title of the panel, Flux."""
    return [
        (name, panel["title"], target["query"])
        for name in names()
        for panel in panels(name)
        for target in panel["targets"]
    ]
