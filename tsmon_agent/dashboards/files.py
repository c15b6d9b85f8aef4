"""The dashboards as the files that Grafana's file provider reads."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tsmon_agent.dashboards import host, pipeline, requests

__all__ = ["FILES", "rendered", "stale", "write"]

FILES: Final = {
    "host.json": host.build,
    "pipeline.json": pipeline.build,
    "requests.json": requests.build,
}
"""What builds the dashboard of each file."""


def rendered(name: str) -> str:
    """Text of one of :data:`FILES`: the dashboard in Grafana's classic JSON."""
    return json.dumps(_numbered(FILES[name]()).build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def write(directory: Path) -> None:
    """Write every dashboard into a directory; raises OSError where that cannot be done."""
    for name in FILES:
        (directory / name).write_text(rendered(name), encoding="utf-8")


def stale(directory: Path) -> list[str]:
    """Names of the files in a directory that differ from what would be written, or are not there."""
    return [name for name in FILES if not _says(directory / name, rendered(name))]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _numbered(board: Dashboard) -> Dashboard:
    for number, panel in enumerate(board.build().panels or (), start=1):
        panel.id_val = number
    return board
