"""``/deployed``: when instruments are deployed, to read and to change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from tsmon.errors import UnknownNameError
from tsmon_agent.state import Deployment
from tsmon_agent.streams.inventory import (
    DeploymentRow,
    LoadResult,
    add_deployment,
    deployment_to_json,
    format_deployments_csv,
    load_deployments,
    parse_deployment_csv,
    parse_deployment_rows,
    query_deployments,
    remove_deployment,
)
from tsmon_agent.web.requests.parameters import ParameterValues, integer
from tsmon_agent.web.streams.inventory_api import InventoryApi
from tsmon_agent.web.streams.inventory_operations import InventoryTable
from tsmon_agent.web.streams.parameters import DESIGNATOR, INSTRUMENT

__all__ = ["DeploymentsApi"]

NUMBER: Final = integer("number", "Number of the deployment.", 0, where="path")


class DeploymentJson(msgspec.Struct, frozen=True):
    """A deployment; ``end`` is null while it runs. Times are ISO 8601 in UTC."""

    reference_designator: str
    number: int
    start: str
    end: str | None


class DeploymentValues(msgspec.Struct, frozen=True):
    """What a request may set of a deployment; times are ISO 8601, without a zone in UTC."""

    reference_designator: str | msgspec.UnsetType = msgspec.UNSET
    number: int | str | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType | None = msgspec.UNSET


class DeploymentList(msgspec.Struct, frozen=True):
    """Deployments in order of names and numbers."""

    deployed: list[DeploymentJson]


class DeploymentsApi(InventoryApi[DeploymentRow, Deployment]):
    """The table of deployments."""

    table = InventoryTable(
        name="deployed",
        noun="the deployment",
        one="a deployment",
        many="deployments",
        key={"reference_designator": INSTRUMENT, "number": NUMBER},
        filters=(DESIGNATOR,),
        defaults={"end": None},
        row_type=DeploymentJson,
        values_type=DeploymentValues,
        list_type=DeploymentList,
        audited_load="load deployments",
        audited_add="add a deployment",
        audited_change="change a deployment",
        audited_remove="remove a deployment",
    )

    def select(self, session: Session, values: ParameterValues) -> Sequence[Deployment]:
        """All, or those of one instrument."""
        return query_deployments(session, reference_designator=values[DESIGNATOR] or None)

    def find(self, session: Session, key: tuple[Any, ...]) -> Deployment:
        """The deployment of an instrument and a number."""
        designator, number = key
        for one in query_deployments(session, reference_designator=designator):
            if one.number == number:
                return one
        raise UnknownNameError(f"there is no deployment {number} of {designator!r}; see /deployed")

    def add(self, session: Session, row: DeploymentRow) -> None:
        """Add a deployment that is not known yet."""
        add_deployment(session, row)

    def load(self, session: Session, rows: Sequence[DeploymentRow], source: str) -> LoadResult:
        """Add deployments, or change their times."""
        return load_deployments(session, rows, source=source)

    def remove(self, session: Session, key: tuple[Any, ...]) -> None:
        """Remove a deployment; the points of its time stay."""
        remove_deployment(session, *key)

    def parse(self, rows: Iterable[tuple[int, Mapping[str, Any]]], source: str) -> Sequence[DeploymentRow]:
        """Rows from JSON."""
        return parse_deployment_rows(rows, source=source)

    def parse_csv(self, table: str, source: str) -> Sequence[DeploymentRow]:
        """Rows from CSV."""
        return parse_deployment_csv(table, source=source)

    def key_of(self, row: DeploymentRow) -> tuple[Any, ...]:
        """The instrument and the number."""
        return row.reference_designator, row.number

    def to_json(self, stored: Deployment) -> dict[str, Any]:
        """All columns, times in UTC."""
        return deployment_to_json(stored)

    def to_csv(self, stored: Sequence[Deployment]) -> str:
        """All columns."""
        return format_deployments_csv(stored)
