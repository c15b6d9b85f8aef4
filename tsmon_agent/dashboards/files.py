"""The dashboards as the files that Grafana's file provider reads."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tsmon_agent.dashboards import availability, freshness, host, pipeline, requests

__all__ = ["FILES", "rendered", "stale", "write"]

FILES: Final = {
    "availability.json": availability.build,
    "freshness.json": freshness.build,
    "host.json": host.build,
    "pipeline.json": pipeline.build,
    "requests.json": requests.build,
}
"""What builds the dashboard of each file."""


def rendered(name: str) -> str:
    """Text of one of :data:`FILES`: the dashboard in Grafana's classic JSON."""
    return json.dumps(_numbered(FILES[name]()).build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def write(directory: Path) -> None:
    """Write every dashboard into a directory, and the queries for others into ``../queries`` if that is there.

    Raises OSError where that cannot be done.
    """
    for path, text in _texts(directory).items():
        path.write_text(text, encoding="utf-8")


def stale(directory: Path) -> list[str]:
    """Names of the files that differ from what :func:`write` would write, or are not there."""
    return [path.name for path, text in _texts(directory).items() if not _says(path, text)]


def _texts(directory: Path) -> dict[Path, str]:
    texts = {directory / name: rendered(name) for name in FILES}
    queries = directory.parent / "queries"
    if queries.is_dir():
        texts |= {queries / name: build() for name, build in availability.QUERIES.items()}
    return texts


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _numbered(board: Dashboard) -> Dashboard:
    for number, panel in enumerate(board.build().panels or (), start=1):
        panel.id_val = number
    return board
