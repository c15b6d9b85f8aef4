"""Rounds over the expected streams in the running agent: each change becomes a point, an event and a log line."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tsmon import StreamFreshness, TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.time_units import HOUR_NS
from tsmon_agent.streams.freshness.events import StreamStatusChanged
from tsmon_agent.streams.freshness.watch import FreshnessWatch

if TYPE_CHECKING:
    from tsmon.points import Point
    from tsmon.stores import Store
    from tsmon_agent.events import EventBus
    from tsmon_agent.settings import FreshnessSettings
    from tsmon_agent.state import State
    from tsmon_agent.streams.freshness.watch import JudgedStream

__all__ = ["MOST_RATES", "FreshnessRounds"]

_log = logging.getLogger("tsmon")

MOST_LOGGED_SINGLY: Final = 10
"""Up to this number of changes in a round, each gets its own log line."""

MOST_RATES: Final = 10_000
"""For how many streams rates are refreshed in a round; other windows that are due wait for the next round."""

HEARTBEAT_NS: Final = HOUR_NS
"""How often the status of every stream is written, changed or not."""


class FreshnessRounds:
    """Judges all expected streams in each round; every change becomes a point and an event."""

    def __init__(
        self,
        settings: "FreshnessSettings",
        state: "State",
        emit: "Callable[[Point], None]",
        events: "EventBus",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._emit_point = emit
        self._events = events
        self._clock = clock
        self._written_ns = 0
        self._limited = RateLimitedLog()
        self._enabled = settings.enabled
        self.watch = _build_watch(settings, state)
        """What is known of the streams, by instrument and by site."""

    @property
    def streams(self) -> "list[JudgedStream]":
        """All expected streams as the last round judged them; empty before the first."""
        return self.watch.streams

    def reconfigure(self, settings: "FreshnessSettings", state: "State") -> None:
        """Continue with other settings or another state; what is known is kept if it still applies."""
        self._enabled = settings.enabled
        watch = _build_watch(settings, state)
        if (watch.state, watch.silent_after_ns) != (self.watch.state, self.watch.silent_after_ns):
            self.watch = watch

    async def run_round(self, store: "Store") -> None:
        """Run one round; if store or state do not answer, it logs that, and nothing changes."""
        if not self._enabled:
            return
        now_ns = self._clock()
        try:
            changed = await self.watch.update(store, now_ns, most_rates=MOST_RATES)
        except TsmonError as error:
            self._limited.warning("freshness", f"the freshness of the streams is not known: {error}")
            return
        if (failed := self.watch.rates_error) is not None:
            self._limited.warning("rates", f"the rates of some streams are not known: {failed}")
        is_heartbeat = now_ns - self._written_ns >= HEARTBEAT_NS
        if is_heartbeat:
            self._written_ns = now_ns
        for one in self.streams if is_heartbeat else changed:
            self._emit(one, now_ns)
        for one in changed:
            self._events.publish(StreamStatusChanged(now_ns, one))
        _log_changes(changed)

    def _emit(self, one: "JudgedStream", now_ns: int) -> None:
        try:
            self._emit_point(
                StreamFreshness(
                    time=now_ns,
                    reference_designator=one.reference_designator,
                    method=one.method,
                    stream=one.stream,
                    state=one.status.label,
                    level=int(one.status),
                    age=None if one.age_ns is None else one.age_ns / 1e9,
                    rate=one.rate,
                    expected_rate=one.expected_rate,
                )
            )
        except TsmonError as error:
            self._limited.warning("points", f"the freshness of a stream cannot be written: {error}")


def _build_watch(settings: "FreshnessSettings", state: "State") -> FreshnessWatch:
    return FreshnessWatch(state, round(settings.silent_after * 1e9))


def _log_changes(changed: "list[JudgedStream]") -> None:
    """Log each of a few changes; of many, as at the first start, one line for each status."""
    if len(changed) <= MOST_LOGGED_SINGLY:
        for one in changed:
            _log.info("stream %r is %s", (one.reference_designator, one.method, one.stream), one.status.label)
        return
    by_status: dict[str, list[JudgedStream]] = {}
    for one in changed:
        by_status.setdefault(one.status.label, []).append(one)
    for label, members in by_status.items():
        first = members[0]
        names = first.reference_designator, first.method, first.stream
        _log.info("%d streams are %s, the first of them %r", len(members), label, names)
