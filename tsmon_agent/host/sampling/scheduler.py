"""Rounds of sampling: each sampler at its own interval and with its own time limit, in nobody's way."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from tsmon.errors import TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.points import Point
from tsmon.points.self_metrics import SamplerRound
from tsmon.scheduling.periodic import Periodic
from tsmon_agent.host.samplers import Sampler
from tsmon_agent.host.sampling.live_feed import LiveFeed, Round
from tsmon_agent.host.sampling.sampler_health import SamplerHealth
from tsmon_agent.host.sampling.worker_threads import Call, CallResult, TimeLimitError, WorkerThreads

__all__ = ["SamplerHealth", "Sampling"]

MOST_POINTS: Final = 100_000
"""A sampler that gives more in one round is at fault."""

SECOND_ROUND_S: Final = 1.0
"""When a sampler that needs an interval gets its second round, so that nobody waits for a long one to pass."""


class _Scheduled:
    """A sampler with all that belongs to it."""

    def __init__(self, sampler: Sampler, interval_s: float) -> None:
        self.sampler = sampler
        self.health = SamplerHealth(sampler.name, interval_s)
        self.call: Call[list[Point]] | None = None
        """Its round that has not ended, or that was given up and still hangs."""
        self.in_round = False

    @property
    def hangs(self) -> bool:
        return self.call is not None and not self.call.returned

    @property
    def needs_interval(self) -> bool:
        """Whether its points are about the time since the round before."""
        return type(self.sampler).prime is not Sampler.prime

    def is_same(self, other: Sampler) -> bool:
        """Whether ``other`` would give the same points."""
        mine = self.sampler
        return type(mine) is type(other) and mine.host == other.host and mine.options == other.options


class Sampling:
    """Runs samplers and hands their points on: to ``emit`` for the store, to ``live`` for those who watch.

    Whatever a sampler does (raise, hang, give nonsense) is counted, logged once until it works again, and never
    reaches another one or the next round. Points without a time get that of the beginning of their round.
    """

    def __init__(
        self,
        samplers: Iterable[tuple[Sampler, float]],
        emit: Callable[[Point], None],
        live: LiveFeed,
        *,
        host: str,
        time_limit_s: float,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._scheduled = {sampler.name: _Scheduled(sampler, interval_s) for sampler, interval_s in samplers}
        self._emit = emit
        self._live = live
        self._host = host
        self._time_limit_s = time_limit_s
        self._clock_ns = clock_ns
        self._threads = WorkerThreads("tsmon-sampler")
        self._tickers: dict[float, Periodic] = {}
        self._second_round: asyncio.TimerHandle | None = None
        self._log = RateLimitedLog()

    @property
    def health(self) -> list[SamplerHealth]:
        """State of each sampler, in their order."""
        return [scheduled.health for scheduled in self._scheduled.values()]

    def start(self) -> None:
        """Begin: the first round of each sampler is now, the next ones follow at its interval."""
        self._start_tickers(self._scheduled)

    def stop(self) -> None:
        """Begin no more rounds, and give up those under way."""
        for ticker in self._tickers.values():
            ticker.stop()
        self._tickers.clear()
        if self._second_round is not None:
            self._second_round.cancel()
        self._threads.close()

    def reconfigure(self, samplers: Iterable[tuple[Sampler, float]], *, host: str, time_limit_s: float) -> None:
        """Change over while running. Samplers that are as before go on with what they know and have counted."""
        before, self._scheduled = self._scheduled, {}
        self._host, self._time_limit_s = host, time_limit_s
        fresh = []
        for sampler, interval_s in samplers:
            old = before.pop(sampler.name, None)
            if old is not None and old.is_same(sampler):
                if old.health.interval_s != interval_s:
                    old.health.interval_s = interval_s
                    fresh.append(sampler.name)
                self._scheduled[sampler.name] = old
            else:
                self._scheduled[sampler.name] = _Scheduled(sampler, interval_s)
                fresh.append(sampler.name)
        for name in before:
            self._live.forget(name)
        for interval_s in set(self._tickers) - {health.interval_s for health in self.health}:
            self._tickers.pop(interval_s).stop()
        self._start_tickers(fresh)

    async def prime(self) -> None:
        """Let every sampler take its first reading, so that the next round has rates too."""
        outcomes = await asyncio.gather(
            *(
                self._threads.call(scheduled.sampler.prime, self._time_limit_s)
                for scheduled in self._scheduled.values()
            )
        )
        for scheduled, outcome in zip(self._scheduled.values(), outcomes, strict=True):
            if outcome.error is not None:
                scheduled.health.round_ended(self._clock_ns(), outcome.duration_s, _said(outcome.error))

    async def round(self, name: str) -> Sequence[Point]:
        """One round of the sampler ``name``: its points, which were handed on; empty where it failed."""
        ended: asyncio.Future[Sequence[Point]] = asyncio.get_running_loop().create_future()
        self._begin(self._scheduled[name], ended.set_result)
        return await ended

    def _start_tickers(self, names: Iterable[str]) -> None:
        """First rounds of the samplers ``names``, and tickers for intervals that have none."""
        names = list(names)
        for interval_s in {self._scheduled[name].health.interval_s for name in names}:
            if interval_s in self._tickers:
                self._begin_all(one for one in names if self._scheduled[one].health.interval_s == interval_s)
            else:
                ticker = self._tickers[interval_s] = Periodic(
                    partial(self._tick, interval_s), interval_s, at_once=True
                )
                ticker.start()
        soon = [name for name in names if self._scheduled[name].needs_interval]
        if soon and self._second_round is None:
            self._second_round = asyncio.get_running_loop().call_later(SECOND_ROUND_S, self._begin_again, soon)

    def _tick(self, interval_s: float) -> None:
        self._begin_all(name for name, one in self._scheduled.items() if one.health.interval_s == interval_s)

    def _begin_again(self, names: Iterable[str]) -> None:
        self._second_round = None
        self._begin_all(
            name
            for name in names
            if name in self._scheduled and self._scheduled[name].health.interval_s > SECOND_ROUND_S
        )

    def _begin_all(self, names: Iterable[str]) -> None:
        for name in names:
            self._begin(self._scheduled[name], lambda _: None)

    def _begin(self, scheduled: _Scheduled, ended: Callable[[Sequence[Point]], None]) -> None:
        if scheduled.in_round:  # its time limit is longer than its interval
            ended([])
            return
        time_ns = self._clock_ns()
        if scheduled.hangs:
            self._end(scheduled, time_ns, None, [], "it still hangs in an earlier round")
            ended([])
            return

        def done(outcome: CallResult[list[Point]]) -> None:
            scheduled.in_round = False
            ended(self._take(scheduled, time_ns, outcome))

        scheduled.in_round = True
        scheduled.call = self._threads.order(lambda: _sampled(scheduled.sampler), self._time_limit_s, done)

    def _take(self, scheduled: _Scheduled, time_ns: int, outcome: CallResult[list[Point]]) -> Sequence[Point]:
        """Hand the points of a round on, one by one, so that one that is nonsense costs no other."""
        failure = None if outcome.error is None else _said(outcome.error)
        good: list[Point] = []
        bad = 0
        for given in outcome.result or ():
            try:
                if not isinstance(given, Point):
                    raise TypeError(f"{given!r:.80} is no point")
                point = given if given.time is not None else msgspec.structs.replace(given, time=time_ns)
                self._emit(point)
            except Exception as error:
                bad += 1
                failure = failure or f"it gave a point that cannot be stored: {error}"
            else:
                good.append(point)
        if bad > 1:
            failure = f"{failure} (and {bad - 1} more)"
        self._end(scheduled, time_ns, outcome.duration_s, good, failure)
        return good

    def _end(
        self,
        scheduled: _Scheduled,
        time_ns: int,
        duration_s: float | None,
        points: Sequence[Point],
        failure: str | None,
    ) -> None:
        health = scheduled.health
        health.round_ended(time_ns, duration_s, failure)
        try:
            self._emit(
                SamplerRound(
                    time=time_ns,
                    host=self._host,
                    sampler=health.name,
                    duration=duration_s,
                    points=len(points),
                    errors=health.errors,
                )
            )
        except Exception as error:
            self._log.warning("round", f"rounds of samplers cannot be told of: {error}")
        if points and self._scheduled.get(health.name) is scheduled:
            taken = points[0].time
            self._live.publish(Round(health.name, taken if isinstance(taken, int) else time_ns, points))


def _sampled(sampler: Sampler) -> list[Point]:
    points = list(itertools.islice(sampler.sample(), MOST_POINTS + 1))
    if len(points) > MOST_POINTS:
        raise ValueError(f"it gave more than {MOST_POINTS} points")
    return points


def _said(error: BaseException) -> str:
    if isinstance(error, (TimeLimitError, TsmonError)):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
