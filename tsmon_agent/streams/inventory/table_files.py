"""Tables of streams and deployments in files, read and loaded."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from tsmon.errors import StateError
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory.deployments import load_deployments
from tsmon_agent.streams.inventory.expected_streams import load_streams
from tsmon_agent.streams.inventory.row_parsing import (
    DeploymentRow,
    StreamRow,
    parse_deployment_csv,
    parse_stream_csv,
)

__all__ = ["InventoryTables", "read_table", "read_tables"]

_log = logging.getLogger("tsmon")


@dataclass(frozen=True, slots=True)
class InventoryTables:
    """What the tables that the settings name say, to be loaded."""

    expected: Path | None = None
    deployments: Path | None = None
    stream_rows: Sequence[StreamRow] = field(default=(), repr=False)
    deployment_rows: Sequence[DeploymentRow] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return self.expected is not None or self.deployments is not None

    def load(self, session: Session) -> None:
        """Load all of them, or, where a row contradicts what is stored, none."""
        if self.expected is not None:
            changes = load_streams(session, self.stream_rows, source=str(self.expected))
            _log.info("%s: expected streams: %s", self.expected, changes)
        if self.deployments is not None:
            changes = load_deployments(session, self.deployment_rows, source=str(self.deployments))
            _log.info("%s: deployments: %s", self.deployments, changes)


def read_tables(settings: Settings) -> InventoryTables:
    """The tables that the settings name; raises :class:`~tsmon.errors.InvalidRowsError` with its mistakes."""
    expected, deployments = settings.streams.expected, settings.streams.deployments
    return InventoryTables(
        expected,
        deployments,
        parse_stream_csv(read_table(expected), settings, source=str(expected)) if expected else (),
        parse_deployment_csv(read_table(deployments), source=str(deployments)) if deployments else (),
    )


def read_table(file: Path) -> str:
    """Text of a table, ``-`` for standard input; raises :class:`~tsmon.errors.StateError`."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise StateError(f"{file} cannot be read: {error.strerror}; name a table in CSV") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StateError(
            f"{file}:{line}: byte {error.object[error.start]:#04x} is not UTF-8; save the table as UTF-8"
        ) from None
