"""Looks at all expected streams, round by round, and tells what has changed."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from tsmon.availability.reported_bins import are_given
from tsmon.stores import Selector, Store
from tsmon_agent.state import State
from tsmon_agent.state.tables import ExpectedStream, StreamState
from tsmon_agent.streams.freshness.expectations import Expected, Known, Rows, expected_of, rows_of
from tsmon_agent.streams.freshness.levels import Level, level_of, worst
from tsmon_agent.streams.freshness.rates import Rates
from tsmon_agent.streams.inventory.series_index import Index, Seen, question_of

if TYPE_CHECKING:
    from tsmon.errors import StoreError

__all__ = ["FreshStream", "Watch"]


class FreshStream(msgspec.Struct, frozen=True, gc=False):
    """A stream at one time: its level, since when, and the time and age of its newest datum, if there is one.

    Rates are in Hz: the recent one (see :mod:`.rates`) and the expected one, where known.
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


class Watch:
    """Knows the level of every stream since the last round; a restart goes on with what the state remembers."""

    def __init__(self, state: State, silent_after_ns: int) -> None:
        self.state = state
        self.silent_after_ns = silent_after_ns
        self._rates = Rates()
        self._rows = Rows((), ())
        self._expected: dict[int, Expected] = {}
        self._questions: list[tuple[Selector, Index]] = []
        self.streams: list[FreshStream] = []
        """All expected streams, in order of their names, as the last round has found them."""
        self.rates_failed: StoreError | None = None
        """Why rates that were due in the last round are not known."""

    async def round(
        self, store: Store, now_ns: int, *, remember: bool = True, most_rates: int | None = None
    ) -> list[FreshStream]:
        """Look at all streams; returns those whose level has changed.

        Of a stream that is seen for the first time that is told only where it is bad. Without ``remember`` the next
        round, or another process, does not know of it. ``most_rates`` limits of how many streams rates are looked
        at anew, see :meth:`Rates.look`. Raises what store and state raise, and nothing has changed then.
        """
        rows, known = await self.state.run(lambda session: rows_of(session, now_ns))
        if rows != self._rows:
            self._expect(rows)
        seen: dict[int, Seen] = {}
        for question, index in self._questions:
            seen |= index.seen(await store.newest(question), given=are_given(question))
        self.rates_failed = await self._rates.look(store, now_ns, most_rates)
        found = self._found(seen, known, now_ns)
        changed = [
            (stream, one)
            for stream, one in zip(self._expected, found, strict=True)
            if stream not in known or known[stream][0] != one.level.name
        ]
        if changed and remember:
            await self.state.run(lambda session: _remember(session, dict(changed)))
        self.streams = found
        return [one for stream, one in changed if stream in known or one.level > Level.OPERATIONAL]

    def _expect(self, rows: Rows) -> None:
        self._expected = expected_of(rows)
        selectors: dict[tuple[str, str], dict[int, Selector]] = {}
        for stream, one in self._expected.items():
            question = question_of(one.selector)
            selectors.setdefault((question.measurement, question.field), {})[stream] = one.selector
        self._questions = [(Selector(*names), Index(chosen)) for names, chosen in selectors.items()]
        self._rates.expect(self._expected)
        self._rows = rows

    def _found(self, seen: Mapping[int, Seen], known: Known, now_ns: int) -> list[FreshStream]:
        """How fresh streams are, in their order."""
        heard: dict[str, int] = {}
        for data in seen.values():
            if data.host is not None and data.time_ns >= heard.get(data.host, data.time_ns):
                heard[data.host] = data.time_ns
        found = []
        for stream, one in self._expected.items():
            newest = seen.get(stream)
            # Clocks differ: what comes from the future is new.
            age_ns = None if newest is None else max(now_ns - newest.time_ns, 0)
            level = level_of(age_ns, one.warn_ns, one.fail_ns, tracked=one.tracked)
            host = None if newest is None else newest.host
            if level is Level.FAILED and host is not None and now_ns - heard[host] > self.silent_after_ns:
                level = Level.SILENT_HOST
            before = known.get(stream)
            found.append(
                FreshStream(
                    *one.names,
                    level,
                    before[1] if before is not None and before[0] == level.name else now_ns,
                    None if newest is None else newest.time_ns,
                    age_ns,
                    self._rates.of(stream),
                    one.rate,
                )
            )
        return found

    def of_instruments(self) -> Mapping[str, Level]:
        """Level of each instrument: its worst stream's."""
        return _worst((one.reference_designator, one.level) for one in self.streams)

    def of_sites(self) -> Mapping[str, Level]:
        """Level of each site: its worst stream's."""
        return _worst((one.site, one.level) for one in self.streams)


def _remember(session: Session, changed: Mapping[int, FreshStream]) -> None:
    # A stream may have been removed meanwhile.
    there = set(session.scalars(select(ExpectedStream.id)))
    known = set(session.scalars(select(StreamState.stream_id)))
    rows = [
        {
            "stream_id": stream,
            "state": one.level.name,
            "since_ns": one.since_ns,
            "newest_ns": one.newest_ns,
            "rate": one.rate,
        }
        for stream, one in changed.items()
        if stream in there
    ]
    if new := [row for row in rows if row["stream_id"] not in known]:
        session.execute(insert(StreamState), new)
    if old := [row for row in rows if row["stream_id"] in known]:
        session.execute(update(StreamState), old)


def _worst(pairs: Iterable[tuple[str, Level]]) -> dict[str, Level]:
    groups: dict[str, list[Level]] = {}
    for name, level in pairs:
        groups.setdefault(name, []).append(level)
    return {name: worst(levels) for name, levels in groups.items()}
