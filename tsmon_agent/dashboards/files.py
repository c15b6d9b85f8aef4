"""The dashboards as files for Grafana's file provider."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tsmon_agent.dashboards import availability, freshness, host, pipeline, requests

__all__ = ["FILES", "find_stale", "render", "write"]

FILES: Final = {
    "availability.json": availability.build,
    "freshness.json": freshness.build,
    "host.json": host.build,
    "pipeline.json": pipeline.build,
    "requests.json": requests.build,
}
"""The function that builds the dashboard of each file. A new dashboard is one line here."""


def render(name: str) -> str:
    """Text of one of :data:`FILES`: the dashboard in Grafana's classic JSON."""
    return json.dumps(_number_panels(FILES[name]()).build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def write(directory: Path) -> None:
    """Write every dashboard to a directory, and queries for other dashboards to ``../queries`` if that exists.

    Raises OSError if that is impossible.
    """
    for path, text in _render_all(directory).items():
        path.write_text(text, encoding="utf-8")


def find_stale(directory: Path) -> list[str]:
    """Names of files that are missing, or differ from what :func:`write` would write."""
    return [path.name for path, text in _render_all(directory).items() if not _has_text(path, text)]


def _render_all(directory: Path) -> dict[Path, str]:
    texts = {directory / name: render(name) for name in FILES}
    queries = directory.parent / "queries"
    if queries.is_dir():
        texts |= {queries / name: build() for name, build in availability.QUERIES.items()}
    return texts


def _has_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _number_panels(board: Dashboard) -> Dashboard:
    for number, panel in enumerate(board.build().panels or (), start=1):
        panel.id_val = number
    return board
