"""Judges all expected streams, round by round, and finds what has changed."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.stores import Selector, Store
from tsmon_agent.state import State
from tsmon_agent.state.tables import ExpectedStream, LastKnownFreshness
from tsmon_agent.streams.freshness.expectations import (
    Expectation,
    ExpectationRows,
    KnownStatuses,
    build_expectations,
    query_rows,
)
from tsmon_agent.streams.freshness.rates import Rates
from tsmon_agent.streams.freshness.statuses import FreshnessStatus, judge_age, worst_status
from tsmon_agent.streams.inventory.series_index import NewestDatum, SeriesIndex, newest_selector_of

if TYPE_CHECKING:
    from tsmon.errors import StoreError

__all__ = ["FreshnessWatch", "JudgedStream"]


class JudgedStream(msgspec.Struct, frozen=True, gc=False):
    """A stream in one round: its status and since when it has it, and the time and age of its newest datum.

    Rates are in Hz: the recent one (see :mod:`.rates`) and the expected one, where known.
    """

    reference_designator: str
    method: str
    stream: str
    status: FreshnessStatus
    since_ns: int
    newest_ns: int | None
    age_ns: int | None
    rate: float | None = None
    expected_rate: float | None = None

    @property
    def site(self) -> str:
        """First part of the reference designator."""
        return self.reference_designator.partition("-")[0]


class FreshnessWatch:
    """Keeps the status of every stream; after a restart it continues with the statuses that the state remembers."""

    def __init__(self, state: State, silent_after_ns: int) -> None:
        self.state = state
        self.silent_after_ns = silent_after_ns
        self._rates = Rates()
        self._rows = ExpectationRows((), ())
        self._expectations: dict[int, Expectation] = {}
        self._queries: list[tuple[Selector, SeriesIndex]] = []
        self.streams: list[JudgedStream] = []
        """All expected streams in order of their names, as the last round judged them."""
        self.rates_error: StoreError | None = None
        """Why rates that were due in the last round are not known."""

    async def update(
        self, store: Store, now_ns: int, *, remember: bool = True, most_rates: int | None = None
    ) -> list[JudgedStream]:
        """Judge all streams; returns those whose status has changed.

        A stream that is new is among them only if its status is bad. Without ``remember`` the changes are not
        stored, so that the next round, or another process, finds them again. ``most_rates`` limits for how many
        streams rates are refreshed, see :meth:`Rates.refresh`. Raises the errors of store and state; then nothing
        has changed.
        """
        rows, known = await self.state.run(lambda session: query_rows(session, now_ns))
        if rows != self._rows:
            self._expect(rows)
        newest: dict[int, NewestDatum] = {}
        for query, index in self._queries:
            newest |= index.find_newest(await store.newest(query), reported_bins=selects_reported_bins(query))
        self.rates_error = await self._rates.refresh(store, now_ns, most_rates)
        found = self._judge(newest, known, now_ns)
        changed = [
            (stream, one)
            for stream, one in zip(self._expectations, found, strict=True)
            if stream not in known or known[stream][0] != one.status.name
        ]
        if changed and remember:
            await self.state.run(lambda session: _remember(session, dict(changed)))
        self.streams = found
        return [one for stream, one in changed if stream in known or one.status > FreshnessStatus.OPERATIONAL]

    def worst_by_instrument(self) -> Mapping[str, FreshnessStatus]:
        """Status of each instrument: that of its worst stream."""
        return _worst((one.reference_designator, one.status) for one in self.streams)

    def worst_by_site(self) -> Mapping[str, FreshnessStatus]:
        """Status of each site: that of its worst stream."""
        return _worst((one.site, one.status) for one in self.streams)

    def _expect(self, rows: ExpectationRows) -> None:
        self._expectations = build_expectations(rows)
        selectors: dict[tuple[str, str], dict[int, Selector]] = {}
        for stream, one in self._expectations.items():
            query = newest_selector_of(one.selector)
            selectors.setdefault((query.measurement, query.field), {})[stream] = one.selector
        self._queries = [(Selector(*names), SeriesIndex(chosen)) for names, chosen in selectors.items()]
        self._rates.expect(self._expectations)
        self._rows = rows

    def _judge(self, newest: Mapping[int, NewestDatum], known: KnownStatuses, now_ns: int) -> list[JudgedStream]:
        heard_ns: dict[str, int] = {}
        for datum in newest.values():
            if datum.host is not None and datum.time_ns >= heard_ns.get(datum.host, datum.time_ns):
                heard_ns[datum.host] = datum.time_ns
        found = []
        for stream, one in self._expectations.items():
            datum_of_it = newest.get(stream)
            # Clocks differ: a datum from the future is new.
            age_ns = None if datum_of_it is None else max(now_ns - datum_of_it.time_ns, 0)
            status = judge_age(age_ns, one.warn_ns, one.fail_ns, tracked=one.tracked)
            host = None if datum_of_it is None else datum_of_it.host
            if (
                status is FreshnessStatus.FAILED
                and host is not None
                and now_ns - heard_ns[host] > self.silent_after_ns
            ):
                status = FreshnessStatus.SILENT_HOST
            before = known.get(stream)
            found.append(
                JudgedStream(
                    *one.names,
                    status,
                    before[1] if before is not None and before[0] == status.name else now_ns,
                    None if datum_of_it is None else datum_of_it.time_ns,
                    age_ns,
                    self._rates.of(stream),
                    one.rate,
                )
            )
        return found


def _remember(session: Session, changed: Mapping[int, JudgedStream]) -> None:
    # A stream may have been removed meanwhile.
    expected = set(session.scalars(select(ExpectedStream.id)))
    known = set(session.scalars(select(LastKnownFreshness.stream_id)))
    rows = [
        {
            "stream_id": stream,
            "state": one.status.name,
            "since_ns": one.since_ns,
            "newest_ns": one.newest_ns,
            "rate": one.rate,
        }
        for stream, one in changed.items()
        if stream in expected
    ]
    if new := [row for row in rows if row["stream_id"] not in known]:
        session.execute(insert(LastKnownFreshness), new)
    if old := [row for row in rows if row["stream_id"] in known]:
        session.execute(update(LastKnownFreshness), old)


def _worst(pairs: Iterable[tuple[str, FreshnessStatus]]) -> dict[str, FreshnessStatus]:
    groups: dict[str, list[FreshnessStatus]] = {}
    for name, status in pairs:
        groups.setdefault(name, []).append(status)
    return {name: worst_status(statuses) for name, statuses in groups.items()}
