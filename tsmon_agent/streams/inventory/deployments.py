"""Deployments in the state: functions of a session, for commands and HTTP alike."""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon import availability
from tsmon.errors import InvalidRowsError, StateConflictError, UnknownNameError
from tsmon_agent.state import Deployment
from tsmon_agent.streams.inventory.cell_parsing import format_exact_time
from tsmon_agent.streams.inventory.load_result import LoadResult
from tsmon_agent.streams.inventory.row_parsing import DeploymentRow

__all__ = [
    "add_deployment",
    "end_deployment",
    "load_deployments",
    "query_availability_deployments",
    "query_deployments",
    "remove_deployment",
]

MANY: Final = 500
"""From so many instruments on, all deployments are read at once."""


def load_deployments(session: Session, rows: Sequence[DeploymentRow], *, source: str = "deployments") -> LoadResult:
    """Add the deployments that are new, and change the others to what their rows say; none is removed.

    Raises :class:`~tsmon.errors.InvalidRowsError` where a row contradicts what is stored.
    """
    names = {row.reference_designator for row in rows}
    query = select(Deployment)
    if len(names) < MANY:
        query = query.where(Deployment.reference_designator.in_(names))
    stored = {(one.reference_designator, one.number): one for one in session.scalars(query)}
    added = changed = 0
    mistakes = []
    for row in rows:
        one = stored.get((row.reference_designator, row.number))
        end_ns = row.end_ns
        if end_ns is UNSET:
            end_ns = None if one is None else one.end_ns
        if end_ns is not None and end_ns < row.start_ns:
            mistakes.append(
                (row.line, f"the deployment ended at {format_exact_time(end_ns)}, before this start; give both")
            )
        elif one is None:
            session.add(
                Deployment(
                    reference_designator=row.reference_designator,
                    number=row.number,
                    start_ns=row.start_ns,
                    end_ns=end_ns,
                )
            )
            added += 1
        elif (one.start_ns, one.end_ns) != (row.start_ns, end_ns):
            one.start_ns, one.end_ns = row.start_ns, end_ns
            changed += 1
    if mistakes:
        raise InvalidRowsError(source, mistakes)
    session.flush()
    return LoadResult(added, changed, len(rows) - added - changed)


def query_deployments(session: Session, *, reference_designator: str | None = None) -> Sequence[Deployment]:
    """Deployments, all or those of one instrument, in order of name and number."""
    query = select(Deployment)
    if reference_designator is not None:
        query = query.filter_by(reference_designator=reference_designator)
    return sorted(session.scalars(query), key=lambda one: (one.reference_designator, one.number))


def query_availability_deployments(session: Session, reference_designator: str) -> list[availability.Deployment]:
    """Deployments of an instrument, as :func:`tsmon.availability.compute_availability` takes them; may be none."""
    found = query_deployments(session, reference_designator=reference_designator)
    return [availability.Deployment(one.number, one.start_ns, one.end_ns) for one in found]


def add_deployment(session: Session, row: DeploymentRow) -> None:
    """Add one; raises :class:`~tsmon.errors.StateConflictError` where there is one of that number."""
    if _stored(session, row.reference_designator, row.number) is not None:
        raise StateConflictError(
            f"there is a deployment {row.number} of {row.reference_designator} already; end or remove it, "
            "or load a table to change it"
        )
    load_deployments(session, [row])


def end_deployment(session: Session, reference_designator: str, number: int | None, end_ns: int) -> Deployment:
    """End a deployment that runs, by default the only one; return it.

    Raises :class:`~tsmon.errors.UnknownNameError` where there is none such, and
    :class:`~tsmon.errors.StateConflictError` where it has ended, or has not begun by then.
    """
    if number is None:
        one = _only_running(session, reference_designator)
    else:
        one = _known(session, reference_designator, number)
    name = f"deployment {one.number} of {reference_designator}"
    if one.end_ns is not None:
        raise StateConflictError(f"{name} ended at {format_exact_time(one.end_ns)}; load a table to change that")
    if end_ns < one.start_ns:
        raise StateConflictError(
            f"{name} starts at {format_exact_time(one.start_ns)}, after that; give a later end"
        )
    one.end_ns = end_ns
    session.flush()
    return one


def remove_deployment(session: Session, reference_designator: str, number: int) -> None:
    """Forget a deployment; raises :class:`~tsmon.errors.UnknownNameError` where there is none such."""
    session.delete(_known(session, reference_designator, number))
    session.flush()


def _only_running(session: Session, reference_designator: str) -> Deployment:
    running = [
        one for one in query_deployments(session, reference_designator=reference_designator) if one.end_ns is None
    ]
    if not running:
        raise UnknownNameError(f"no deployment of {reference_designator!r} runs; see tsmon-agent deployments list")
    if len(running) > 1:
        numbers = ", ".join(str(one.number) for one in running)
        raise StateConflictError(f"several deployments of {reference_designator} run: {numbers}; name one")
    return running[0]


def _known(session: Session, reference_designator: str, number: int) -> Deployment:
    found = _stored(session, reference_designator, number)
    if found is None:
        raise UnknownNameError(
            f"there is no deployment {number} of {reference_designator!r}; see tsmon-agent deployments list"
        )
    return found


def _stored(session: Session, reference_designator: str, number: int) -> Deployment | None:
    return session.scalars(
        select(Deployment).filter_by(reference_designator=reference_designator, number=number)
    ).one_or_none()
