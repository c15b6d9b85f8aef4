"""Looks at all expected streams, round by round, and tells what has changed."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon.availability.given import are_given
from tsmon.stores import Selector, Store
from tsmon_agent.freshness.levels import Level, level_of, worst
from tsmon_agent.freshness.newest import Index, Seen, question_of
from tsmon_agent.freshness.rates import Rates
from tsmon_agent.state import State
from tsmon_agent.state.tables import Deployment, ExpectedStream, StreamState
from tsmon_agent.streams import selector_of

__all__ = ["Expected", "FreshStream", "Watch", "look"]

Names: TypeAlias = tuple[str, str, str]


class FreshStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream at one time: its level, since when, and the time and age of its newest datum, if there is one.

    Rates are in Hz: that of late, see :mod:`tsmon_agent.freshness.rates`, and the expected one, where known.
    """

    reference_designator: str
    method: str
    stream: str
    level: Level
    since_ns: int
    newest_ns: int | None
    age_ns: int | None
    rate: float | None = None
    expected_rate: float | None = None

    @property
    def site(self) -> str:
        """First part of the reference designator."""
        return self.reference_designator.partition("-")[0]


class Expected(msgspec.Struct, frozen=True, gc=False):
    """What is expected of a stream: limits in nanoseconds, rate in Hz, and since when, if it is not always."""

    names: Names
    selector: Selector
    warn_ns: int | None
    fail_ns: int | None
    tracked: bool
    rate: float | None
    since_ns: int | None


class Watch:
    """Knows the level of every stream since the last round; a restart goes on with what the state remembers."""

    def __init__(self, state: State, silent_after_ns: int) -> None:
        self.state = state
        self.silent_after_ns = silent_after_ns
        self._rates = Rates()
        self.streams: list[FreshStream] = []
        """All expected streams, in order of their names, as the last round has found them."""

    async def round(self, store: Store, now_ns: int, *, remember: bool = True) -> list[FreshStream]:
        """Look at all streams; returns those whose level has changed.

        Of a stream that is seen for the first time that is told only where it is bad. Without ``remember`` the next
        round, or another process, does not know of it. Raises what store and state raise, and nothing has changed
        then.
        """
        expected, known = await self.state.run(partial(_expected, now_ns=now_ns))
        found = await look(store, expected, known, now_ns, self.silent_after_ns)
        watched = {
            stream_id: (one.selector, one.rate, one.since_ns) for stream_id, one in expected.items() if one.tracked
        }
        await self._rates.look(store, watched, now_ns)
        found = [
            (stream_id, replace(one, rate=self._rates.of(stream_id), expected_rate=expected[stream_id].rate))
            for stream_id, one in found
        ]
        changed = [
            (stream_id, one)
            for stream_id, one in found
            if stream_id not in known or known[stream_id][0] != one.level.name
        ]
        if changed and remember:
            await self.state.run(lambda session: _remember(session, changed))
        self.streams = [one for _, one in found]
        return [one for stream_id, one in changed if stream_id in known or one.level > Level.OPERATIONAL]

    def of_instruments(self) -> Mapping[str, Level]:
        """Level of each instrument: its worst stream's."""
        return _worst((one.reference_designator, one.level) for one in self.streams)

    def of_sites(self) -> Mapping[str, Level]:
        """Level of each site: its worst stream's."""
        return _worst((one.site, one.level) for one in self.streams)


async def look(
    store: Store,
    expected: Mapping[int, Expected],
    known: Mapping[int, tuple[str, int]],
    now_ns: int,
    silent_after_ns: int,
) -> list[tuple[int, FreshStream]]:
    """How fresh streams are, by their ids; ``known`` are level and since when of the last time.

    The store is asked once for each measurement and field.
    """
    questions: dict[tuple[str, str], dict[int, Selector]] = {}
    for stream_id, one in expected.items():
        question = question_of(one.selector)
        questions.setdefault((question.measurement, question.field), {})[stream_id] = one.selector
    seen: dict[int, Seen] = {}
    for (measurement, field), selectors in questions.items():
        question = Selector(measurement, field)
        seen |= Index(selectors).seen(await store.newest(question), given=are_given(question))
    heard: dict[str, int] = {}
    for data in seen.values():
        if data.host is not None:
            heard[data.host] = max(heard.get(data.host, data.time_ns), data.time_ns)
    found = []
    for stream_id, one in expected.items():
        designator, method, stream = one.names
        newest = seen.get(stream_id)
        # Clocks differ: what comes from the future is new.
        age_ns = None if newest is None else max(now_ns - newest.time_ns, 0)
        level = level_of(age_ns, one.warn_ns, one.fail_ns, tracked=one.tracked)
        host = None if newest is None else newest.host
        if level is Level.FAILED and host is not None and now_ns - heard[host] > silent_after_ns:
            level = Level.SILENT_HOST
        before = known.get(stream_id)
        since_ns = before[1] if before is not None and before[0] == level.name else now_ns
        found.append(
            (
                stream_id,
                FreshStream(
                    reference_designator=designator,
                    method=method,
                    stream=stream,
                    level=level,
                    since_ns=since_ns,
                    newest_ns=None if newest is None else newest.time_ns,
                    age_ns=age_ns,
                ),
            )
        )
    return found


def _expected(session: Session, *, now_ns: int) -> tuple[dict[int, Expected], dict[int, tuple[str, int]]]:
    """All streams in order of their names, and what is remembered of them."""
    # Since when the deployment that governs now runs; None where all have ended or are yet to come.
    running: dict[str, int | None] = {}
    for one in session.scalars(select(Deployment)):
        name = one.reference_designator
        since_ns = running.setdefault(name, None)
        if one.start_ns <= now_ns and (one.end_ns is None or now_ns < one.end_ns):
            running[name] = one.start_ns if since_ns is None else min(since_ns, one.start_ns)
    rows = sorted(
        session.scalars(select(ExpectedStream)), key=lambda one: (one.reference_designator, one.method, one.stream)
    )
    expected = {
        one.id: Expected(
            (one.reference_designator, one.method, one.stream),
            selector_of(one),
            one.warn_interval_ns,
            one.fail_interval_ns,
            # An instrument of which no deployment is known is always expected.
            one.enabled and running.get(one.reference_designator, 0) is not None,
            one.expected_rate,
            running.get(one.reference_designator),
        )
        for one in rows
    }
    known = {one.stream_id: (one.state, one.since_ns) for one in session.scalars(select(StreamState))}
    return expected, known


def _remember(session: Session, changed: Iterable[tuple[int, FreshStream]]) -> None:
    for stream_id, one in changed:
        # A stream may have been removed meanwhile.
        if session.get(ExpectedStream, stream_id) is not None:
            session.merge(
                StreamState(
                    stream_id=stream_id,
                    state=one.level.name,
                    since_ns=one.since_ns,
                    newest_ns=one.newest_ns,
                    rate=one.rate,
                )
            )


def _worst(pairs: Iterable[tuple[str, Level]]) -> dict[str, Level]:
    groups: dict[str, list[Level]] = {}
    for name, level in pairs:
        groups.setdefault(name, []).append(level)
    return {name: worst(levels) for name, levels in groups.items()}
