"""Looks at all expected streams, round by round, and tells what has changed."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TypeAlias

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon.availability.given import are_given
from tsmon.stores import Selector, Store
from tsmon_agent.freshness.levels import Level, level_of, worst
from tsmon_agent.freshness.newest import Index, Seen, question_of
from tsmon_agent.state import State
from tsmon_agent.state.tables import Deployment, ExpectedStream, StreamState
from tsmon_agent.streams import selector_of

__all__ = ["FreshStream", "Watch", "look"]

Names: TypeAlias = tuple[str, str, str]


class FreshStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream at one time: its level, since when, and the time and age of its newest datum, if there is one."""

    reference_designator: str
    method: str
    stream: str
    level: Level
    since_ns: int
    newest_ns: int | None
    age_ns: int | None

    @property
    def site(self) -> str:
        """First part of the reference designator."""
        return self.reference_designator.partition("-")[0]


class Watch:
    """Knows the level of every stream since the last round; a restart goes on with what the state remembers."""

    def __init__(self, state: State, silent_after_ns: int) -> None:
        self.state = state
        self.silent_after_ns = silent_after_ns
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
    expected: Mapping[int, tuple[Names, Selector, int | None, int | None, bool]],
    known: Mapping[int, tuple[str, int]],
    now_ns: int,
    silent_after_ns: int,
) -> list[tuple[int, FreshStream]]:
    """How fresh streams are, by their ids; ``known`` are level and since when of the last time.

    The store is asked once for each measurement and field.
    """
    questions: dict[tuple[str, str], dict[int, Selector]] = {}
    for stream_id, (_, selector, _, _, _) in expected.items():
        question = question_of(selector)
        questions.setdefault((question.measurement, question.field), {})[stream_id] = selector
    seen: dict[int, Seen] = {}
    for (measurement, field), selectors in questions.items():
        question = Selector(measurement, field)
        seen |= Index(selectors).seen(await store.newest(question), given=are_given(question))
    heard: dict[str, int] = {}
    for one in seen.values():
        if one.host is not None:
            heard[one.host] = max(heard.get(one.host, one.time_ns), one.time_ns)
    found = []
    for stream_id, ((designator, method, stream), _, warn_ns, fail_ns, tracked) in expected.items():
        newest = seen.get(stream_id)
        # Clocks differ: what comes from the future is new.
        age_ns = None if newest is None else max(now_ns - newest.time_ns, 0)
        level = level_of(age_ns, warn_ns, fail_ns, tracked=tracked)
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


def _expected(
    session: Session, *, now_ns: int
) -> tuple[dict[int, tuple[Names, Selector, int | None, int | None, bool]], dict[int, tuple[str, int]]]:
    """All streams in order of their names, and what is remembered of them."""
    running: dict[str, bool] = {}
    for one in session.scalars(select(Deployment)):
        runs = one.start_ns <= now_ns and (one.end_ns is None or now_ns < one.end_ns)
        running[one.reference_designator] = running.get(one.reference_designator, False) or runs
    rows = sorted(
        session.scalars(select(ExpectedStream)), key=lambda one: (one.reference_designator, one.method, one.stream)
    )
    # An instrument of which no deployment is known is always expected.
    expected = {
        one.id: (
            (one.reference_designator, one.method, one.stream),
            selector_of(one),
            one.warn_interval_ns,
            one.fail_interval_ns,
            one.enabled and running.get(one.reference_designator, True),
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
                    stream_id=stream_id, state=one.level.name, since_ns=one.since_ns, newest_ns=one.newest_ns
                )
            )


def _worst(pairs: Iterable[tuple[str, Level]]) -> dict[str, Level]:
    groups: dict[str, list[Level]] = {}
    for name, level in pairs:
        groups.setdefault(name, []).append(level)
    return {name: worst(levels) for name, levels in groups.items()}
