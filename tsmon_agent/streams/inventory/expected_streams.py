"""Expected streams in the state: functions of a session, for commands and HTTP alike."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tsmon.errors import UnknownNameError
from tsmon.stores import Selector
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.inventory.row_loading import LoadResult, load_rows
from tsmon_agent.streams.inventory.stream_rows import STREAM_KEY, StreamRow

__all__ = [
    "InstrumentSummary",
    "find_streams",
    "load_streams",
    "query_selectors",
    "query_streams",
    "remove_streams",
    "selector_of",
    "set_enabled",
    "summarize_instruments",
]

MOST_NAMED: Final = 5
"""How many streams a message about an unknown one names: the most similar."""


@dataclass(frozen=True, slots=True)
class InstrumentSummary:
    """A reference designator, and how many of its expected streams there are and are enabled."""

    reference_designator: str
    streams: int
    enabled: int


def load_streams(session: Session, rows: Sequence[StreamRow], *, source: str = "streams") -> LoadResult:
    """Add new streams and change the others to what their rows say; none is removed.

    Raises :class:`~tsmon.errors.InvalidRowsError` if rows contradict what is stored.
    """
    return load_rows(session, ExpectedStream, rows, key=STREAM_KEY, find_values=_find_values, source=source)


def query_streams(
    session: Session,
    *,
    reference_designator: str | None = None,
    method: str | None = None,
    stream: str | None = None,
    enabled: bool | None = None,
) -> Sequence[ExpectedStream]:
    """Query expected streams, all or those of these names, in order of their names."""
    names = {"reference_designator": reference_designator, "method": method, "stream": stream}
    query = select(ExpectedStream).filter_by(**{key: name for key, name in names.items() if name is not None})
    if enabled is not None:
        query = query.where(ExpectedStream.enabled.is_(enabled))
    # Not by the database, whose order depends on its collation.
    return sorted(session.scalars(query), key=attrgetter(*STREAM_KEY))


def query_selectors(session: Session) -> list[Selector]:
    """What all expected streams select, disabled ones too."""
    columns = (ExpectedStream.measurement, ExpectedStream.field, ExpectedStream.tags)
    return [Selector(*row) for row in session.execute(select(*columns))]


def find_streams(
    session: Session, reference_designator: str, method: str | None = None, stream: str | None = None
) -> Sequence[ExpectedStream]:
    """:func:`query_streams` of one instrument; raises :class:`~tsmon.errors.UnknownNameError` if there is none."""
    found = query_streams(session, reference_designator=reference_designator, method=method, stream=stream)
    if not found:
        raise _unknown(session, reference_designator, [name for name in (method, stream) if name is not None])
    return found


def summarize_instruments(session: Session) -> list[InstrumentSummary]:
    """Count the expected streams of each instrument, in order of the reference designators."""
    flags: dict[str, list[bool]] = {}
    for name, enabled in session.execute(select(ExpectedStream.reference_designator, ExpectedStream.enabled)):
        flags.setdefault(name, []).append(enabled)
    return [InstrumentSummary(name, len(of_one), sum(of_one)) for name, of_one in sorted(flags.items())]


def set_enabled(
    session: Session,
    reference_designator: str,
    method: str | None = None,
    stream: str | None = None,
    *,
    enabled: bool,
) -> int:
    """Enable or disable a stream, or all of an instrument; return how many were not so before.

    Raises :class:`~tsmon.errors.UnknownNameError` if there is none.
    """
    found = find_streams(session, reference_designator, method, stream)
    changed = [one for one in found if one.enabled != enabled]
    for one in changed:
        one.enabled = enabled
    session.flush()
    return len(changed)


def remove_streams(
    session: Session, reference_designator: str, method: str | None = None, stream: str | None = None
) -> int:
    """Remove a stream, or all of an instrument, and return how many; their points and the deployments stay.

    Raises :class:`~tsmon.errors.UnknownNameError` if there is none.
    """
    found = find_streams(session, reference_designator, method, stream)
    session.execute(delete(ExpectedStream).where(ExpectedStream.id.in_([one.id for one in found])))
    return len(found)


def selector_of(stream: ExpectedStream) -> Selector:
    """Where the stream's points are."""
    return Selector(stream.measurement, stream.field, stream.tags)


def _find_values(row: StreamRow, stored: ExpectedStream | None) -> Mapping[str, Any]:
    keys = ("expected_rate", "warn_interval_ns", "fail_interval_ns", "rules", "enabled")
    values = {key: getattr(row, key) for key in keys if getattr(row, key) is not UNSET}
    limits = ("warn_interval_ns", "fail_interval_ns")
    warn_ns, fail_ns = (values.get(key, getattr(stored, key, None)) for key in limits)
    if warn_ns is not None and fail_ns is not None and warn_ns > fail_ns:
        raise ValueError("the warn interval is longer than the fail interval, as stored; give both")
    if stored is None:
        return {"enabled": True, **_columns(row.selector), **values}
    return values if row.keeps_selector else {**values, **_columns(row.selector)}


def _columns(selector: Selector) -> dict[str, Any]:
    return {"measurement": selector.measurement, "field": selector.field, "tags": dict(selector.tags)}


def _unknown(session: Session, reference_designator: str, names: Sequence[str]) -> UnknownNameError:
    known = list(session.scalars(select(ExpectedStream.reference_designator).distinct()))
    if reference_designator not in known:
        close = difflib.get_close_matches(reference_designator, known, n=1, cutoff=0.7)
        hint = f"did you mean {close[0]}?" if close else "see tsmon-agent streams list"
        return UnknownNameError(f"no stream is expected of {reference_designator!r}; {hint}")
    expected = [
        f"{one.method} {one.stream}" for one in query_streams(session, reference_designator=reference_designator)
    ]
    if len(expected) > MOST_NAMED:
        similar = difflib.get_close_matches(" ".join(names), expected, n=MOST_NAMED, cutoff=0.0)
        expected = [*similar, f"{len(expected)} in all"]
    return UnknownNameError(
        f"no stream {' '.join(names)!r} is expected of {reference_designator}; there are {', '.join(expected)}"
    )
