"""What is expected of each stream, built from the state only when the state has changed."""

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
"""By the stream's id: the name of the status that it had in the last round, and since when."""


class Expectation(msgspec.Struct, frozen=True, gc=False):
    """What is expected of a stream: limits in nanoseconds, rate in Hz, and since when it has been deployed.

    ``since_ns`` is None for a stream that is always expected.
    """

    names: StreamNames
    selector: Selector
    warn_ns: int | None
    fail_ns: int | None
    tracked: bool
    rate: float | None
    since_ns: int | None


class ExpectationRows(NamedTuple):
    """Rows as the tables have them at one time; equal rows lead to equal expectations.

    ``running`` has a row for each instrument with deployments: the start of the deployment that governs now, or
    None if all have ended or are yet to start.
    """

    streams: Sequence[tuple[Any, ...]]
    running: Sequence[tuple[Any, ...]]


def query_rows(session: Session, now_ns: int) -> tuple[ExpectationRows, KnownStatuses]:
    """Query all expected streams, their deployments at this time, and the last known statuses."""
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
        # Comparing thousands of JSON texts is faster than decoding them.
        cast(one.tags, Text),
        one.warn_interval_ns,
        one.fail_interval_ns,
        one.enabled,
        one.expected_rate,
    ).order_by(one.id)
    last = LastKnownFreshness
    known = session.execute(select(last.stream_id, last.state, last.since_ns))
    return (
        ExpectationRows(list(map(tuple, session.execute(streams))), list(map(tuple, session.execute(running)))),
        {stream: (status, since_ns) for stream, status, since_ns in known},
    )


def build_expectations(rows: ExpectationRows) -> dict[int, Expectation]:
    """Build the expectation of each stream by its id, in order of the names."""
    running = dict(rows.running)
    return {
        number: Expectation(
            (designator, method, stream),
            Selector(measurement, field, msgspec.json.decode(tags, type=dict[str, str])),
            warn_ns,
            fail_ns,
            # An instrument without any known deployment is always expected.
            enabled and running.get(designator, 0) is not None,
            rate,
            running.get(designator),
        )
        for number, designator, method, stream, measurement, field, tags, warn_ns, fail_ns, enabled, rate in sorted(
            rows.streams, key=lambda row: row[1:4]
        )
    }
