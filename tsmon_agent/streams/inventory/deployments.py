"""Deployments in the state: functions of a session, for commands and HTTP alike."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon import availability
from tsmon.errors import StateConflictError, UnknownNameError
from tsmon_agent.state import Deployment
from tsmon_agent.state.times import format_exact_time
from tsmon_agent.streams.inventory.deployment_rows import DEPLOYMENT_KEY, DeploymentRow
from tsmon_agent.streams.inventory.row_loading import LoadResult, load_rows

__all__ = [
    "add_deployment",
    "end_deployment",
    "load_deployments",
    "query_availability_deployments",
    "query_deployments",
    "remove_deployment",
]


def load_deployments(session: Session, rows: Sequence[DeploymentRow], *, source: str = "deployments") -> LoadResult:
    """Add new deployments and change the others to what their rows say; none is removed.

    Raises :class:`~tsmon.errors.InvalidRowsError` if rows contradict what is stored.
    """
    return load_rows(session, Deployment, rows, key=DEPLOYMENT_KEY, find_values=_find_values, source=source)


def query_deployments(session: Session, *, reference_designator: str | None = None) -> Sequence[Deployment]:
    """Query all deployments, or those of one instrument, in order of name and number."""
    query = select(Deployment)
    if reference_designator is not None:
        query = query.filter_by(reference_designator=reference_designator)
    # Not by the database, whose order depends on its collation.
    return sorted(session.scalars(query), key=attrgetter(*DEPLOYMENT_KEY))


def query_availability_deployments(session: Session, reference_designator: str) -> list[availability.Deployment]:
    """Query an instrument's deployments in the form that availability is computed from; empty if none is known."""
    found = query_deployments(session, reference_designator=reference_designator)
    return [availability.Deployment(one.number, one.start_ns, one.end_ns) for one in found]


def add_deployment(session: Session, row: DeploymentRow) -> None:
    """Add a deployment; raises :class:`~tsmon.errors.StateConflictError` if its number is taken."""
    if _find(session, row.reference_designator, row.number) is not None:
        raise StateConflictError(
            f"there is a deployment {row.number} of {row.reference_designator} already; end or remove it, "
            "or load a table to change it"
        )
    load_deployments(session, [row])


def end_deployment(session: Session, reference_designator: str, number: int | None, end_ns: int) -> Deployment:
    """End a running deployment, by default the only one, and return it.

    Raises :class:`~tsmon.errors.UnknownNameError` if there is none, and
    :class:`~tsmon.errors.StateConflictError` if it has ended already, or starts after ``end_ns``.
    """
    if number is None:
        one = _find_only_running(session, reference_designator)
    else:
        one = _get(session, reference_designator, number)
    name = f"deployment {one.number} of {reference_designator}"
    if one.end_ns is not None:
        raise StateConflictError(f"{name} ended at {format_exact_time(one.end_ns)}; load a table to change that")
    if end_ns < one.start_ns:
        start = format_exact_time(one.start_ns)
        raise StateConflictError(f"{name} starts at {start}, after that; give a later end")
    one.end_ns = end_ns
    session.flush()
    return one


def remove_deployment(session: Session, reference_designator: str, number: int) -> None:
    """Remove a deployment; raises :class:`~tsmon.errors.UnknownNameError` if it is not known."""
    session.delete(_get(session, reference_designator, number))
    session.flush()


def _find_values(row: DeploymentRow, stored: Deployment | None) -> Mapping[str, int | None]:
    end_ns = row.end_ns
    if end_ns is UNSET:
        end_ns = None if stored is None else stored.end_ns
    if end_ns is not None and end_ns < row.start_ns:
        raise ValueError(f"the deployment ended at {format_exact_time(end_ns)}, before this start; give both")
    return {"start_ns": row.start_ns, "end_ns": end_ns}


def _find_only_running(session: Session, reference_designator: str) -> Deployment:
    found = query_deployments(session, reference_designator=reference_designator)
    running = [one for one in found if one.end_ns is None]
    if not running:
        raise UnknownNameError(f"no deployment of {reference_designator!r} runs; see tsmon-agent deployments list")
    if len(running) > 1:
        numbers = ", ".join(str(one.number) for one in running)
        raise StateConflictError(f"several deployments of {reference_designator} run: {numbers}; name one")
    return running[0]


def _get(session: Session, reference_designator: str, number: int) -> Deployment:
    found = _find(session, reference_designator, number)
    if found is None:
        raise UnknownNameError(
            f"there is no deployment {number} of {reference_designator!r}; see tsmon-agent deployments list"
        )
    return found


def _find(session: Session, reference_designator: str, number: int) -> Deployment | None:
    query = select(Deployment).filter_by(reference_designator=reference_designator, number=number)
    return session.scalars(query).one_or_none()
