"""Tables of streams and deployments in files, read and checked, to be loaded into the state."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from tsmon.errors import ImportingError, StateError
from tsmon.stores import Selector
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory.deployment_rows import parse_deployment_csv
from tsmon_agent.streams.inventory.deployments import load_deployments
from tsmon_agent.streams.inventory.expected_streams import load_streams
from tsmon_agent.streams.inventory.row_loading import LoadResult
from tsmon_agent.streams.inventory.stream_rows import parse_stream_csv
from tsmon_agent.tables.whole_text import read_text

__all__ = ["TableFile", "read_deployment_table", "read_stream_table", "read_table_selectors", "read_tables"]


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table without mistakes; ``load`` loads all of its rows, or none if one contradicts what is stored."""

    file: Path
    content: str
    rows: int
    load: Callable[[Session], LoadResult] = field(repr=False)


def read_stream_table(file: Path, settings: Settings) -> TableFile:
    """Read a table of expected streams, ``-`` for standard input.

    Raises :class:`~tsmon.errors.StateError` if the file cannot be read, and
    :class:`~tsmon.errors.InvalidRowsError` with all its mistakes.
    """
    rows = parse_stream_csv(_read(file), settings, source=str(file))
    return TableFile(file, "expected streams", len(rows), partial(load_streams, rows=rows, source=str(file)))


def read_deployment_table(file: Path) -> TableFile:
    """Read a table of deployments, otherwise as :func:`read_stream_table`."""
    rows = parse_deployment_csv(_read(file), source=str(file))
    return TableFile(file, "deployments", len(rows), partial(load_deployments, rows=rows, source=str(file)))


def read_tables(settings: Settings) -> list[TableFile]:
    """Read the tables that the settings name; raises as :func:`read_stream_table`."""
    streams, deployments = settings.streams.expected, settings.streams.deployments
    return [
        *([read_stream_table(streams, settings)] if streams else []),
        *([read_deployment_table(deployments)] if deployments else []),
    ]


def read_table_selectors(settings: Settings) -> list[Selector]:
    """What the table of expected streams that the settings name selects; raises as :func:`read_stream_table`."""
    file = settings.streams.expected
    if file is None:
        return []
    return [row.selector for row in parse_stream_csv(_read(file), settings, source=str(file))]


def _read(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise StateError(f"{file} cannot be read: {error.strerror}; name a table in CSV") from None
    try:
        return read_text(str(file), data)
    except ImportingError as error:
        raise StateError(str(error)) from None
