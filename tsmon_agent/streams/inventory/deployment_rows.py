"""The table of deployments: its columns, and what a row says of a deployment."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from tsmon_agent.state.names import parse_name
from tsmon_agent.state.times import parse_time_ns
from tsmon_agent.streams.inventory.cell_parsing import parse_deployment_number
from tsmon_agent.streams.inventory.csv_table import Columns, Mistake, parse_csv
from tsmon_agent.streams.inventory.row_parsing import NumberedValues, RowValues, parse_rows

__all__ = [
    "DEPLOYMENT_COLUMNS",
    "DEPLOYMENT_KEY",
    "DeploymentRow",
    "parse_deployment_csv",
    "parse_deployment_rows",
]

DEPLOYMENT_COLUMNS: Final = Columns(
    {
        "reference_designator": ("refdes", "reference", "instrument"),
        "number": ("deployment", "deploymentnumber"),
        "start": ("starttime", "startdatetime", "startdate", "begin"),
        "end": ("endtime", "enddatetime", "enddate", "stop", "stoptime", "stopdatetime"),
    },
    required=3,
    times=("start", "end"),
)

DEPLOYMENT_KEY: Final = ("reference_designator", "number")
"""What identifies a deployment, in a row and in the state."""


class DeploymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment as it is to be; ``end_ns`` is None while it runs."""

    line: int
    reference_designator: str
    number: int
    start_ns: int
    end_ns: int | UnsetType | None = UNSET


def parse_deployment_csv(text: str, *, source: str) -> list[DeploymentRow]:
    """Parse a table of deployments; raises :class:`~tsmon.errors.InvalidRowsError` with all its mistakes."""
    rows, mistakes = parse_csv(text, DEPLOYMENT_COLUMNS)
    return parse_deployment_rows(rows, source=source, mistakes=mistakes)


def parse_deployment_rows(
    rows: NumberedValues, *, source: str = "deployments", mistakes: Iterable[Mistake] = ()
) -> list[DeploymentRow]:
    """Parse deployments from values under the names of :data:`DEPLOYMENT_COLUMNS`.

    Times without a zone are UTC; None and the empty text mean that the deployment still runs. ``source`` names the
    whole in mistakes. Raises :class:`~tsmon.errors.InvalidRowsError` with all mistakes, ``mistakes`` among them.
    """
    return parse_rows(rows, _parse, noun="deployment", key=DEPLOYMENT_KEY, source=source, mistakes=mistakes)


def _parse(line: int, values: Mapping[str, object]) -> DeploymentRow | list[str]:
    row = RowValues(values, DEPLOYMENT_COLUMNS)
    reference_designator = row.read_required("reference_designator", parse_name)
    number = row.read_required("number", parse_deployment_number)
    start_ns = row.read_required("start", parse_time_ns)
    end_ns = row.read("end", lambda value: None if value in (None, "") else parse_time_ns(value))
    if isinstance(end_ns, int) and start_ns is not None and end_ns < start_ns:
        row.mistakes.append("the end is before the start; exchange the two")
    if row.mistakes or reference_designator is None or number is None or start_ns is None:
        return row.mistakes
    return DeploymentRow(
        line=line, reference_designator=reference_designator, number=number, start_ns=start_ns, end_ns=end_ns
    )
