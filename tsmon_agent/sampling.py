"""Rounds of sampling: each sampler on its own schedule, thread and time limit."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tsmon.points import Point
from tsmon.points.agent import SamplerRound
from tsmon_agent.live import LiveFeed, Round
from tsmon_agent.sampler_thread import SamplerBusyError, SamplerThread
from tsmon_agent.samplers import Sampler

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

__all__ = ["SamplerState", "Sampling"]

_log = logging.getLogger("tsmon")


@dataclass(slots=True)
class SamplerState:
    """How a sampler does, for people."""

    name: str
    interval_s: float
    rounds: int = 0
    errors: int = 0
    last_error: str | None = None
    last_success_ns: int | None = None
    last_duration_s: float | None = None
    failing: bool = False


class _Scheduled:
    """One sampler with all that belongs to it."""

    def __init__(self, sampler: Sampler, interval_s: float) -> None:
        self.sampler = sampler
        self.state = SamplerState(sampler.name, interval_s)
        self.thread: SamplerThread[list[Point]] = SamplerThread(f"tsmon-{sampler.name}")


class Sampling:
    """Runs samplers and hands their points on: to ``emit`` for the store, to ``live`` for those who watch.

    Whatever a round does (raise, hang, give nonsense) is counted, logged once until it works again, and never
    reaches another sampler or the next round.
    """

    def __init__(
        self,
        samplers: Sequence[tuple[Sampler, float]],
        emit: Callable[[Point], None],
        live: LiveFeed,
        *,
        host: str,
        time_limit_s: float,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._scheduled = [_Scheduled(sampler, interval_s) for sampler, interval_s in samplers]
        self._emit = emit
        self._live = live
        self._host = host
        self._time_limit_s = time_limit_s
        self._clock_ns = clock_ns
        self._scheduler: AsyncIOScheduler | None = None

    @property
    def states(self) -> list[SamplerState]:
        """State of each sampler, in their order."""
        return [scheduled.state for scheduled in self._scheduled]

    def start(self) -> None:
        """Begin: the first round of each sampler is now, the next ones follow at its interval."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(timezone=UTC)
        now = datetime.now(UTC)
        for scheduled in self._scheduled:
            self._scheduler.add_job(
                self.round,
                "interval",
                args=[scheduled.state.name],
                id=scheduled.state.name,
                seconds=scheduled.state.interval_s,
                next_run_time=now,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """No more rounds; threads end by themselves."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        for scheduled in self._scheduled:
            scheduled.thread.close()

    async def prime(self) -> None:
        """Let every sampler take its first reading, so that the next round has rates too."""
        for scheduled in self._scheduled:
            await self._attempt(scheduled, lambda sampler=scheduled.sampler: _primed(sampler))

    async def round(self, name: str) -> Sequence[Point]:
        """One round of the sampler ``name``: its points, which were handed on; empty where it failed."""
        scheduled = next(one for one in self._scheduled if one.state.name == name)
        state = scheduled.state
        time_ns = self._clock_ns()
        started = time.perf_counter()
        errors_before = state.errors
        sampled = await self._attempt(scheduled, lambda: list(scheduled.sampler.sample()))
        state.last_duration_s = time.perf_counter() - started
        points = self._emit_all(scheduled, sampled or (), time_ns)
        state.rounds += 1
        if state.errors == errors_before:
            state.last_success_ns = time_ns
            self._recovered(state)
        self._emit(
            SamplerRound(
                time=time_ns,
                host=self._host,
                sampler=state.name,
                duration=state.last_duration_s,
                points=len(points),
                errors=state.errors,
            )
        )
        if points:
            self._live.publish(Round(state.name, time_ns, points))
        return points

    async def _attempt(self, scheduled: _Scheduled, work: Callable[[], list[Point]]) -> list[Point] | None:
        try:
            return await scheduled.thread.call(work, self._time_limit_s)
        except SamplerBusyError:
            self._failed(scheduled.state, "it still hangs in an earlier round")
        except TimeoutError:
            self._failed(scheduled.state, f"it did not return within {self._time_limit_s:g} s")
        except Exception as error:
            self._failed(scheduled.state, f"{type(error).__name__}: {error}", error)
        return None

    def _emit_all(self, scheduled: _Scheduled, sampled: Sequence[Point], time_ns: int) -> list[Point]:
        """Hand points on one by one, so that one that is nonsense costs no other; the good ones are returned."""
        good: list[Point] = []
        for untimed in sampled:
            try:
                point = msgspec.structs.replace(untimed, time=time_ns)
                self._emit(point)
            except Exception as error:
                self._failed(scheduled.state, f"it gave a point that cannot be stored: {error}")
            else:
                good.append(point)
        return good

    def _failed(self, state: SamplerState, reason: str, error: Exception | None = None) -> None:
        state.errors += 1
        state.last_error = reason
        if not state.failing:
            _log.warning("the sampler %s failed: %s; the others go on", state.name, reason)
            if error is not None:
                _log.debug("the sampler %s failed", state.name, exc_info=error)
        state.failing = True

    def _recovered(self, state: SamplerState) -> None:
        if state.failing:
            _log.info("the sampler %s works again", state.name)
        state.failing = False


def _primed(sampler: Sampler) -> list[Point]:
    sampler.prime()
    return []
