"""Expected streams in the state: functions of a session, for commands and HTTP alike."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tsmon.errors import InvalidRowsError, UnknownNameError
from tsmon.stores import Selector
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.inventory.load_result import LoadResult
from tsmon_agent.streams.inventory.row_parsing import StreamRow

__all__ = [
    "InstrumentSummary",
    "find_streams",
    "load_streams",
    "query_streams",
    "remove_streams",
    "selector_of",
    "set_enabled",
    "summarize_instruments",
]

MOST_NAMED: Final = 5
"""So many streams are named where another was meant: of more the most alike."""

MANY: Final = 500
"""From so many instruments on, all streams are read at once."""


@dataclass(frozen=True, slots=True)
class InstrumentSummary:
    """What has a reference designator: numbers of its expected streams, and of those that are enabled."""

    reference_designator: str
    streams: int
    enabled: int


def load_streams(session: Session, rows: Sequence[StreamRow], *, source: str = "streams") -> LoadResult:
    """Add the streams that are new, and change the others to what their rows say; none is removed.

    Raises :class:`~tsmon.errors.InvalidRowsError` where a row contradicts what is stored.
    """
    stored = {
        (one.reference_designator, one.method, one.stream): one
        for one in _of_instruments(session, {row.reference_designator for row in rows})
    }
    added = changed = 0
    mistakes = []
    for row in rows:
        values = _values(row)
        one = stored.get((row.reference_designator, row.method, row.stream))
        warn_ns, fail_ns = (
            values.get(key, None if one is None else getattr(one, key))
            for key in ("warn_interval_ns", "fail_interval_ns")
        )
        if warn_ns is not None and fail_ns is not None and warn_ns > fail_ns:
            mistakes.append((row.line, "the warn interval is longer than the fail interval, as stored; give both"))
        elif one is None:
            session.add(_new(row, values))
            added += 1
        elif any(getattr(one, key) != value for key, value in values.items()):
            for key, value in values.items():
                setattr(one, key, value)
            changed += 1
    if mistakes:
        raise InvalidRowsError(source, mistakes)
    session.flush()
    return LoadResult(added, changed, len(rows) - added - changed)


def query_streams(
    session: Session,
    *,
    reference_designator: str | None = None,
    method: str | None = None,
    stream: str | None = None,
    enabled: bool | None = None,
) -> Sequence[ExpectedStream]:
    """Expected streams, all or those that are asked for, in order of their names."""
    query = select(ExpectedStream).filter_by(**_filters(reference_designator, method, stream))
    if enabled is not None:
        query = query.where(ExpectedStream.enabled.is_(enabled))
    found = session.scalars(query).all()
    # Not by the database, whose order depends on its collation.
    return sorted(found, key=lambda one: (one.reference_designator, one.method, one.stream))


def find_streams(
    session: Session, reference_designator: str, method: str | None = None, stream: str | None = None
) -> Sequence[ExpectedStream]:
    """:func:`query_streams` of one instrument; raises :class:`~tsmon.errors.UnknownNameError` if there is none."""
    found = query_streams(session, reference_designator=reference_designator, method=method, stream=stream)
    if not found:
        raise _unknown(session, reference_designator, [name for name in (method, stream) if name is not None])
    return found


def summarize_instruments(session: Session) -> list[InstrumentSummary]:
    """Everything that has expected streams, in order of the reference designators."""
    counts: dict[str, list[bool]] = {}
    for name, enabled in session.execute(select(ExpectedStream.reference_designator, ExpectedStream.enabled)):
        counts.setdefault(name, []).append(enabled)
    return [InstrumentSummary(name, len(flags), sum(flags)) for name, flags in sorted(counts.items())]


def set_enabled(
    session: Session,
    reference_designator: str,
    method: str | None = None,
    stream: str | None = None,
    *,
    enabled: bool,
) -> int:
    """Enable or disable a stream, or all of an instrument; return how many that changed.

    Raises :class:`~tsmon.errors.UnknownNameError` where there is none.
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
    """Expect a stream, or all of an instrument, no more; return how many. Its points and deployments stay.

    Raises :class:`~tsmon.errors.UnknownNameError` where there is none.
    """
    found = find_streams(session, reference_designator, method, stream)
    session.execute(delete(ExpectedStream).where(ExpectedStream.id.in_([one.id for one in found])))
    return len(found)


def selector_of(stream: ExpectedStream) -> Selector:
    """Where the stream's points are."""
    return Selector(stream.measurement, stream.field, stream.tags)


def _filters(reference_designator: str | None, method: str | None, stream: str | None) -> dict[str, str]:
    names = {"reference_designator": reference_designator, "method": method, "stream": stream}
    return {key: name for key, name in names.items() if name is not None}


def _of_instruments(session: Session, names: set[str]) -> Iterable[ExpectedStream]:
    query = select(ExpectedStream)
    if len(names) < MANY:
        query = query.where(ExpectedStream.reference_designator.in_(names))
    return session.scalars(query)


def _values(row: StreamRow) -> dict[str, Any]:
    """Columns of the table that the row says something of."""
    keys = ("expected_rate", "warn_interval_ns", "fail_interval_ns", "rules", "enabled")
    values = {key: getattr(row, key) for key in keys if getattr(row, key) is not UNSET}
    return values if row.keeps_selector else values | _columns(row.selector)


def _columns(selector: Selector) -> dict[str, Any]:
    return {"measurement": selector.measurement, "field": selector.field, "tags": dict(selector.tags)}


def _new(row: StreamRow, values: dict[str, Any]) -> ExpectedStream:
    return ExpectedStream(
        reference_designator=row.reference_designator,
        method=row.method,
        stream=row.stream,
        **{"enabled": True, **_columns(row.selector), **values},
    )


def _unknown(session: Session, reference_designator: str, names: Sequence[str]) -> UnknownNameError:
    known = list(session.scalars(select(ExpectedStream.reference_designator).distinct()))
    if reference_designator not in known:
        close = difflib.get_close_matches(reference_designator, known, n=1, cutoff=0.7)
        hint = f"did you mean {close[0]}?" if close else "see tsmon-agent streams list"
        return UnknownNameError(f"no stream is expected of {reference_designator!r}; {hint}")
    have = [
        f"{one.method} {one.stream}" for one in query_streams(session, reference_designator=reference_designator)
    ]
    if len(have) > MOST_NAMED:
        alike = difflib.get_close_matches(" ".join(names), have, n=MOST_NAMED, cutoff=0.0)
        have = [*alike, f"{len(have)} in all"]
    return UnknownNameError(
        f"no stream {' '.join(names)!r} is expected of {reference_designator}; there are {', '.join(have)}"
    )
