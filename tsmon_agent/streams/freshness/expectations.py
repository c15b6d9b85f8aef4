"""What is expected of streams, as the state has it, read again only where it has changed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Text, case, cast, func, or_, select
from sqlalchemy.orm import Session

from tsmon.stores import Selector
from tsmon_agent.state.tables import Deployment, ExpectedStream, LastKnownFreshness

__all__ = ["Expectation", "ExpectationRows", "KnownStatuses", "StreamNames", "build_expectations", "query_rows"]

StreamNames: TypeAlias = tuple[str, str, str]

KnownStatuses: TypeAlias = Mapping[int, tuple[str, int]]
"""Name of the status that a stream had when it was last looked at, and since when, by the stream's id."""


class Expectation(msgspec.Struct, frozen=True, gc=False):
    """What is expected of a stream: limits in nanoseconds, rate in Hz, and since when, if it is not always."""

    names: StreamNames
    selector: Selector
    warn_ns: int | None
    fail_ns: int | None
    tracked: bool
    rate: float | None
    since_ns: int | None


class ExpectationRows(NamedTuple):
    """What tables say at one time, as it lies there: two of them that are equal expect the same.

    ``running`` tells of each instrument with deployments since when the one that governs runs; None where all have
    ended or are yet to come.
    """

    streams: Sequence[tuple[Any, ...]]
    running: Sequence[tuple[Any, ...]]


def query_rows(session: Session, now_ns: int) -> tuple[ExpectationRows, KnownStatuses]:
    """Rows of all expected streams and their deployments now, and what is remembered of the streams."""
    governs = (Deployment.start_ns <= now_ns) & or_(Deployment.end_ns.is_(None), Deployment.end_ns > now_ns)
    name = Deployment.reference_designator
    running = select(name, func.min(case((governs, Deployment.start_ns)))).group_by(name).order_by(name)
    one = ExpectedStream
    streams = select(
        one.id,
        one.reference_designator,
        one.method,
        one.stream,
        one.measurement,
        one.field,
        # Thousands of JSON texts are compared faster than they are read.
        cast(one.tags, Text),
        one.warn_interval_ns,
        one.fail_interval_ns,
        one.enabled,
        one.expected_rate,
    ).order_by(one.id)
    known = session.execute(
        select(LastKnownFreshness.stream_id, LastKnownFreshness.state, LastKnownFreshness.since_ns)
    )
    return (
        ExpectationRows(list(map(tuple, session.execute(streams))), list(map(tuple, session.execute(running)))),
        {stream: (state, since_ns) for stream, state, since_ns in known},
    )


def build_expectations(rows: ExpectationRows) -> dict[int, Expectation]:
    """What rows say, by the stream's id, in order of the names."""
    running = dict(rows.running)
    return {
        number: Expectation(
            (designator, method, stream),
            Selector(measurement, field, msgspec.json.decode(tags, type=dict[str, str])),
            warn_ns,
            fail_ns,
            # An instrument of which no deployment is known is always expected.
            enabled and running.get(designator, 0) is not None,
            rate,
            running.get(designator),
        )
        for number, designator, method, stream, measurement, field, tags, warn_ns, fail_ns, enabled, rate in sorted(
            rows.streams, key=lambda row: row[1:4]
        )
    }
