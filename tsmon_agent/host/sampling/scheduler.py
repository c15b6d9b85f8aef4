"""Rounds of sampling: each sampler runs at its own interval, with a time limit, independent of the others."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error
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
"""A sampler that returns more points in one round has failed."""

SECOND_ROUND_S: Final = 1.0
"""Seconds until the second round of samplers that need an interval, since their interval may be long."""


class _Scheduled:
    """A sampler with its health and its current call."""

    def __init__(self, sampler: Sampler, interval_s: float) -> None:
        self.sampler = sampler
        self.health = SamplerHealth(sampler.name, interval_s)
        self.call: Call[list[Point]] | None = None
        """The call of its round that is running, or that was abandoned and may still hang."""
        self.in_round = False

    @property
    def hangs(self) -> bool:
        return self.call is not None and not self.call.returned

    @property
    def needs_interval(self) -> bool:
        """Whether its points describe the time since the previous round."""
        return type(self.sampler).prime is not Sampler.prime

    def is_same(self, other: Sampler) -> bool:
        """Whether ``other`` would return the same points."""
        mine = self.sampler
        return type(mine) is type(other) and mine.host == other.host and mine.options == other.options


class Sampling:
    """Runs samplers and passes their points on: to ``emit`` for the store, to ``live`` for subscribers.

    Any failure of a sampler (an exception, a hang, invalid points) is counted, logged once until it works again,
    and never affects another sampler or the next round. Points without a time get the start time of their round.
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
        """Health of each sampler, in order."""
        return [scheduled.health for scheduled in self._scheduled.values()]

    def start(self) -> None:
        """Start: the first round of each sampler is now, the next ones follow at its interval."""
        self._start_tickers(self._scheduled)

    def stop(self) -> None:
        """Start no more rounds, and abandon running ones."""
        for ticker in self._tickers.values():
            ticker.stop()
        self._tickers.clear()
        if self._second_round is not None:
            self._second_round.cancel()
        self._threads.close()

    def reconfigure(self, samplers: Iterable[tuple[Sampler, float]], *, host: str, time_limit_s: float) -> None:
        """Change samplers while running. Unchanged samplers keep their readings and counts."""
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
        """Let every sampler take a first reading, so that the next round includes rates."""
        outcomes = await asyncio.gather(
            *(
                self._threads.call(scheduled.sampler.prime, self._time_limit_s)
                for scheduled in self._scheduled.values()
            )
        )
        for scheduled, outcome in zip(self._scheduled.values(), outcomes, strict=True):
            if outcome.error is not None:
                scheduled.health.record_round(self._clock_ns(), outcome.duration_s, _describe(outcome.error))

    async def run_round(self, name: str) -> Sequence[Point]:
        """Run one round of the sampler ``name``; returns the points that were passed on, none if it failed."""
        ended: asyncio.Future[Sequence[Point]] = asyncio.get_running_loop().create_future()
        self._start_round(self._scheduled[name], ended.set_result)
        return await ended

    def _start_tickers(self, names: Iterable[str]) -> None:
        """Start the first rounds of the samplers ``names``, and tickers for new intervals."""
        names = list(names)
        for interval_s in {self._scheduled[name].health.interval_s for name in names}:
            if interval_s in self._tickers:
                self._start_rounds(one for one in names if self._scheduled[one].health.interval_s == interval_s)
            else:
                ticker = self._tickers[interval_s] = Periodic(
                    partial(self._tick, interval_s), interval_s, at_once=True
                )
                ticker.start()
        soon = [name for name in names if self._scheduled[name].needs_interval]
        if soon and self._second_round is None:
            self._second_round = asyncio.get_running_loop().call_later(
                SECOND_ROUND_S, self._start_second_round, soon
            )

    def _tick(self, interval_s: float) -> None:
        self._start_rounds(name for name, one in self._scheduled.items() if one.health.interval_s == interval_s)

    def _start_second_round(self, names: Iterable[str]) -> None:
        self._second_round = None
        self._start_rounds(
            name
            for name in names
            if name in self._scheduled and self._scheduled[name].health.interval_s > SECOND_ROUND_S
        )

    def _start_rounds(self, names: Iterable[str]) -> None:
        for name in names:
            self._start_round(self._scheduled[name], lambda _: None)

    def _start_round(self, scheduled: _Scheduled, ended: Callable[[Sequence[Point]], None]) -> None:
        if scheduled.in_round:  # its time limit is longer than its interval
            ended([])
            return
        time_ns = self._clock_ns()
        if scheduled.hangs:
            self._end_round(scheduled, time_ns, None, [], "it still hangs in an earlier round")
            ended([])
            return

        def done(outcome: CallResult[list[Point]]) -> None:
            scheduled.in_round = False
            ended(self._emit_points(scheduled, time_ns, outcome))

        scheduled.in_round = True
        scheduled.call = self._threads.submit(lambda: _sample(scheduled.sampler), self._time_limit_s, done)

    def _emit_points(
        self, scheduled: _Scheduled, time_ns: int, outcome: CallResult[list[Point]]
    ) -> Sequence[Point]:
        """Emit the points of a round one by one, so that an invalid one costs no other."""
        failure = None if outcome.error is None else _describe(outcome.error)
        good: list[Point] = []
        bad = 0
        for one in outcome.result or ():
            try:
                if not isinstance(one, Point):
                    raise TypeError(f"{one!r:.80} is not a point")
                point = one if one.time is not None else msgspec.structs.replace(one, time=time_ns)
                self._emit(point)
            except Exception as error:
                bad += 1
                failure = failure or f"it returned a point that cannot be stored: {error}"
            else:
                good.append(point)
        if bad > 1:
            failure = f"{failure} (and {bad - 1} more)"
        self._end_round(scheduled, time_ns, outcome.duration_s, good, failure)
        return good

    def _end_round(
        self,
        scheduled: _Scheduled,
        time_ns: int,
        duration_s: float | None,
        points: Sequence[Point],
        failure: str | None,
    ) -> None:
        health = scheduled.health
        health.record_round(time_ns, duration_s, failure)
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
            self._log.warning("round", f"rounds of samplers cannot be recorded: {error}")
        if points and self._scheduled.get(health.name) is scheduled:
            taken = points[0].time
            self._live.publish(Round(health.name, taken if isinstance(taken, int) else time_ns, points))


def _sample(sampler: Sampler) -> list[Point]:
    points = list(itertools.islice(sampler.sample(), MOST_POINTS + 1))
    if len(points) > MOST_POINTS:
        raise ValueError(f"it returned more than {MOST_POINTS} points")
    return points


def _describe(error: BaseException) -> str:
    if isinstance(error, (TimeLimitError, TsmonError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return describe_error(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
