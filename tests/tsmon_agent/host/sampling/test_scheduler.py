"""Rounds of sampling, with samplers that do all that samplers should not."""

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.tsmon_agent.made_samplers import Gauge, Made, WithInterval, gauge
from tests.tsmon_agent.waiting import eventually
from tsmon import InvalidPointError, Point
from tsmon.line_protocol import Encoding
from tsmon.points.self_metrics import SamplerRound
from tsmon_agent.host.samplers import Sampler
from tsmon_agent.host.sampling import scheduler as module
from tsmon_agent.host.sampling.live_feed import LiveFeed
from tsmon_agent.host.sampling.scheduler import SamplerHealth, Sampling

ROUND_NS = 1_700_000_000_000_000_000
OFTEN_S = 0.05
SELDOM_S = 3_600.0


@dataclass
class Emitted:
    """What reached ``emit``, checked as a Monitor checks it."""

    points: list[Point] = field(default_factory=list)
    encoding: Encoding = field(default_factory=Encoding)

    def __call__(self, point: Point) -> None:
        self.encoding.encode(point)
        self.points.append(point)

    @property
    def values(self) -> list[float]:
        return [point.value for point in self.points if isinstance(point, Gauge)]

    def rounds(self, name: str = "made") -> list[SamplerRound]:
        return [point for point in self.points if isinstance(point, SamplerRound) and point.sampler == name]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging samplers wait for; opened at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def emitted() -> Emitted:
    return Emitted()


@pytest.fixture
def live() -> LiveFeed:
    return LiveFeed()


Start = Callable[..., Sampling]


@pytest.fixture
async def sampling(emitted: Emitted, live: LiveFeed) -> AsyncIterator[Start]:
    """Makes a Sampling; all are stopped at the end."""
    made: list[Sampling] = []

    def make(*samplers: tuple[Sampler, float] | Sampler, time_limit_s: float = 30.0) -> Sampling:
        scheduled = [one if isinstance(one, tuple) else (one, SELDOM_S) for one in samplers]
        new = Sampling(scheduled, emitted, live, host="h", time_limit_s=time_limit_s, clock_ns=lambda: ROUND_NS)
        made.append(new)
        return new

    yield make
    for one in made:
        one.stop()


def health_of(one: Sampling, name: str = "made") -> SamplerHealth:
    return next(state for state in one.health if state.name == name)


async def test_round_hands_points_on_and_tells_of_itself(sampling: Start, emitted: Emitted, live: LiveFeed) -> None:
    one = sampling(Made(lambda: [gauge(1.0), gauge(2.0)]))
    points = await one.run_round("made")
    assert emitted.values == [1.0, 2.0]
    assert list(points) == emitted.points[:2]
    (told,) = emitted.rounds()
    assert (told.points, told.errors, told.time, told.host) == (2, 0, ROUND_NS, "h")
    state = health_of(one)
    assert told.duration == state.last_duration_s
    assert (state.rounds, state.errors, state.last_success_ns, state.failing) == (1, 0, ROUND_NS, False)
    newest = live.newest["made"]
    assert (newest.time_ns, list(newest.points)) == (ROUND_NS, list(points))


async def test_time_that_the_sampler_took_is_kept_and_a_missing_one_is_the_rounds(
    sampling: Start, emitted: Emitted, live: LiveFeed
) -> None:
    one = sampling(Made(lambda: [gauge(1.0, time_ns=5), gauge(2.0)]))
    await one.run_round("made")
    assert [point.time for point in emitted.points[:2]] == [5, ROUND_NS]
    assert live.newest["made"].time_ns == 5


async def test_sampling_is_not_done_on_the_event_loop(sampling: Start) -> None:
    sampler = Made()
    await sampling(sampler).run_round("made")
    assert sampler.thread == "tsmon-sampler"


async def test_round_without_points_is_a_success_and_not_shown(
    sampling: Start, emitted: Emitted, live: LiveFeed
) -> None:
    one = sampling(Made(list))
    assert await one.run_round("made") == []
    assert health_of(one).last_success_ns == ROUND_NS
    assert emitted.rounds()[0].points == 0
    assert live.newest == {}


def raising(error: BaseException) -> Callable[[], Iterable[Any]]:
    def give() -> Iterable[Any]:
        raise error

    return give


class Untellable:
    def __repr__(self) -> str:
        raise ValueError("cannot be shown")


@pytest.mark.parametrize(
    ("give", "good", "reason"),
    [
        (raising(OSError("no such device")), [], "OSError: no such device"),
        (raising(TimeoutError()), [], "TimeoutError"),
        (raising(SystemExit(3)), [], "SystemExit: 3"),
        (raising(KeyboardInterrupt()), [], "KeyboardInterrupt"),
        (raising(GeneratorExit()), [], "GeneratorExit"),
        (raising(StopIteration()), [], "StopIteration"),
        (raising(asyncio.CancelledError()), [], "CancelledError"),
        (raising(InvalidPointError("a sentence of ours")), [], "a sentence of ours"),
        (lambda: None, [], "TypeError: 'NoneType' object is not iterable"),
        (lambda: 7, [], "TypeError: 'int' object is not iterable"),
        (gauge, [], "TypeError: 'Gauge' object is not iterable"),
        (
            lambda: [1, gauge(2.0), None],
            [2.0],
            "it returned a point that cannot be stored: 1 is not a point (and 1 more)",
        ),
        (lambda: ["cpu usage=1"], [], "it returned a point that cannot be stored: 'cpu usage=1' is not a point"),
        (lambda: [Untellable(), gauge(2.0)], [2.0], "it returned a point that cannot be stored: cannot be shown"),
        (lambda: {"a": 1}, [], "it returned a point that cannot be stored: 'a' is not a point"),
        (lambda: [gauge(1.0), gauge("one"), gauge(3.0)], [1.0, 3.0], "it returned a point that cannot be stored: "),  # type: ignore[arg-type]
        (lambda: [gauge(float("nan")), gauge(1.0)], [1.0], "it returned a point that cannot be stored: "),
        (lambda: [gauge(float("inf"))], [], "it returned a point that cannot be stored: "),
        (lambda: [gauge(1.0, time_ns=2**70), gauge(2.0)], [2.0], "it returned a point that cannot be stored: "),
        (lambda: (gauge(float(n)) for n in itertools.count()), [], "ValueError: it returned more than 100 points"),
    ],
)
async def test_whatever_a_sampler_does_is_counted_once_and_costs_no_other_point(
    sampling: Start,
    emitted: Emitted,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    give: Callable[[], Iterable[Any]],
    good: list[float],
    reason: str,
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 100)
    one = sampling(Made(give), Made(name="other"))
    await asyncio.gather(one.run_round("made"), one.run_round("other"))
    assert emitted.values == [*good, 1.0] or emitted.values == [1.0, *good]
    state = health_of(one)
    assert (state.rounds, state.errors, state.failing) == (1, 1, True)
    assert state.last_error is not None
    assert state.last_error.startswith(reason)
    assert [(told.points, told.errors) for told in emitted.rounds()] == [(len(good), 1)]
    assert health_of(one, "other").errors == 0
    assert caplog.messages == [f"the sampler made failed: {state.last_error}; the others continue"]


async def test_failing_and_working_again_are_logged_once_each(
    sampling: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outcomes = iter([[gauge()], None, None, None, [gauge()], [gauge()]])
    one = sampling(Made(lambda: next(outcomes)))  # type: ignore[arg-type,return-value]
    for _ in range(6):
        await one.run_round("made")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[1] == "the sampler made works again"
    state = health_of(one)
    assert (state.rounds, state.errors, state.failing) == (6, 3, False)
    assert state.last_error == "TypeError: 'NoneType' object is not iterable"


async def test_one_that_hangs_is_given_up_and_the_others_have_their_rounds(
    sampling: Start, emitted: Emitted, gate: threading.Event
) -> None:
    def hang() -> Iterable[Any]:
        gate.wait()
        return [gauge(666.0)]

    stuck = Made(hang, name="stuck")
    one = sampling((stuck, OFTEN_S), (Made(), OFTEN_S), time_limit_s=0.2)
    one.start()
    await eventually(lambda: health_of(one, "stuck").errors >= 3)
    assert len(emitted.rounds()) >= 4
    assert health_of(one).errors == 0
    assert stuck.begun == 1
    assert health_of(one, "stuck").last_error == "it still hangs in an earlier round"
    told = emitted.rounds("stuck")
    assert [one.duration for one in told[:2]] == [0.2, None]
    assert [one.errors for one in told[:2]] == [1, 2]
    gate.set()
    await eventually(lambda: stuck.begun >= 2 and not health_of(one, "stuck").failing)
    # What the round brought that was given up is thrown away: each value is of a round of its own.
    assert emitted.values.count(666.0) == sum(told.points for told in emitted.rounds("stuck"))


async def test_round_longer_than_the_interval_is_no_failure_within_its_limit(
    sampling: Start, gate: threading.Event
) -> None:
    slow = Made(lambda: [gauge()] if gate.wait() else [], name="slow")
    one = sampling((slow, OFTEN_S), (Made(), OFTEN_S))
    one.start()
    await eventually(lambda: health_of(one).rounds >= 4)
    assert (slow.begun, health_of(one, "slow").rounds, health_of(one, "slow").errors) == (1, 0, 0)
    gate.set()
    await eventually(lambda: health_of(one, "slow").rounds >= 2)
    assert health_of(one, "slow").errors == 0


async def test_each_sampler_has_its_own_interval(sampling: Start) -> None:
    often, seldom = Made(name="often"), Made(name="seldom")
    one = sampling((often, OFTEN_S), (seldom, 2 * OFTEN_S), (Made(name="once"), SELDOM_S))
    one.start()
    await eventually(lambda: seldom.begun >= 4)
    assert often.begun >= 6
    assert health_of(one, "once").rounds == 1


async def test_first_round_is_at_the_start(sampling: Start) -> None:
    one = sampling(Made(), Made(name="other"))
    one.start()
    await eventually(lambda: all(state.rounds == 1 for state in one.health))


async def test_sampler_that_needs_an_interval_has_its_second_round_soon(
    sampling: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECOND_ROUND_S", 0.1)
    needs, not_needs = WithInterval(name="needs"), Made(name="not")
    one = sampling(needs, not_needs)
    one.start()
    await eventually(lambda: needs.begun == 2)
    await eventually(lambda: health_of(one, "not").rounds == 1)
    assert not_needs.begun == 1


async def test_emit_that_refuses_everything_ends_nothing(live: LiveFeed, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Point) -> None:
        raise InvalidPointError("not today")

    one = Sampling([(Made(), OFTEN_S)], refuse, live, host="h", time_limit_s=1.0)
    one.start()
    await eventually(lambda: health_of(one).errors >= 3)
    one.stop()
    assert caplog.messages == [
        "the sampler made failed: it returned a point that cannot be stored: not today; the others continue",
        "rounds of samplers cannot be recorded: not today",
    ]


async def test_nothing_comes_after_the_stop(sampling: Start, emitted: Emitted) -> None:
    sampler = WithInterval()
    one = sampling((sampler, 0.01))
    one.start()
    await eventually(emitted.rounds)
    one.stop()
    emitted.points.clear()
    begun = sampler.begun
    await asyncio.sleep(0.1)
    assert emitted.points == []
    assert sampler.begun <= begun + 1


async def test_prime_lets_every_sampler_read_once_without_points(sampling: Start, emitted: Emitted) -> None:
    first, second = WithInterval(name="first"), WithInterval(name="second")
    one = sampling(first, second)
    await one.prime()
    assert (first.primed, second.primed, first.begun) == (1, 1, 0)
    assert emitted.points == []


async def test_prime_that_fails_is_counted(sampling: Start) -> None:
    class Failing(WithInterval):
        def prime(self) -> None:
            raise OSError("nothing to read")

    one = sampling(Failing(), WithInterval(name="other"))
    await one.prime()
    assert health_of(one).last_error == "OSError: nothing to read"
    assert health_of(one, "other").errors == 0


async def test_reconfigure_keeps_what_stays_as_it_was(sampling: Start) -> None:
    stays = Made(name="stays", label="a")
    one = sampling((stays, SELDOM_S))
    one.start()
    await eventually(lambda: health_of(one, "stays").rounds == 1)
    before = health_of(one, "stays")
    same = Made(name="stays", label="a")
    one.reconfigure([(same, SELDOM_S)], host="h", time_limit_s=1.0)
    await one.run_round("stays")
    assert health_of(one, "stays") is before
    assert (stays.begun, same.begun, before.rounds) == (2, 0, 2)


@pytest.mark.parametrize("other", [Made(name="one", label="b"), Made(name="one", label="a", host="new")])
async def test_reconfigure_exchanges_what_is_asked_for_otherwise(sampling: Start, other: Made) -> None:
    old = Made(name="one", label="a")
    one = sampling((old, SELDOM_S))
    one.start()
    await eventually(lambda: health_of(one, "one").rounds == 1)
    other.begun = 0
    one.reconfigure([(other, SELDOM_S)], host="h", time_limit_s=1.0)
    await eventually(lambda: health_of(one, "one").rounds == 1 and other.begun == 1)
    assert old.begun == 1


async def test_reconfigure_takes_out_and_adds(sampling: Start, live: LiveFeed) -> None:
    out, stays, new = Made(name="out"), Made(name="stays"), Made(name="new")
    one = sampling((out, OFTEN_S), (stays, SELDOM_S))
    one.start()
    await eventually(lambda: set(live.newest) == {"out", "stays"})
    one.reconfigure([(stays, SELDOM_S), (new, SELDOM_S)], host="h", time_limit_s=1.0)
    assert [state.name for state in one.health] == ["stays", "new"]
    assert set(live.newest) == {"stays"}
    await eventually(lambda: health_of(one, "new").rounds == 1)
    begun = out.begun
    await asyncio.sleep(3 * OFTEN_S)
    assert out.begun <= begun + 1
    assert "out" not in live.newest


async def test_reconfigure_changes_intervals(sampling: Start) -> None:
    faster, slower = Made(name="faster"), Made(name="slower")
    one = sampling((faster, SELDOM_S), (slower, OFTEN_S))
    one.start()
    await eventually(lambda: health_of(one, "slower").rounds >= 2 and health_of(one, "faster").rounds == 1)
    one.reconfigure([(faster, OFTEN_S), (slower, SELDOM_S)], host="h", time_limit_s=1.0)
    begun = slower.begun
    await eventually(lambda: faster.begun >= 4)
    assert slower.begun <= begun + 1
    assert {state.name: state.interval_s for state in one.health} == {"faster": OFTEN_S, "slower": SELDOM_S}


async def test_reconfigure_changes_host_and_time_limit(
    sampling: Start, emitted: Emitted, gate: threading.Event
) -> None:
    one = sampling(Made())
    hanging = Made(lambda: [gauge()] if gate.wait() else [], label="hanging")
    one.reconfigure([(hanging, SELDOM_S)], host="new", time_limit_s=0.05)
    await eventually(emitted.rounds)
    told = emitted.rounds()[0]
    assert (told.host, told.duration, told.errors) == ("new", 0.05, 1)


async def test_sampler_that_hangs_is_not_begun_anew_by_a_reconfiguration(
    sampling: Start, gate: threading.Event
) -> None:
    """As long as nothing about it has changed: its thread hangs all the same."""
    hanging = Made(lambda: [gauge()] if gate.wait() else [])
    one = sampling((hanging, SELDOM_S), time_limit_s=0.05)
    one.start()
    await eventually(lambda: health_of(one).errors == 1)
    again = Made()
    one.reconfigure([(again, SELDOM_S)], host="h", time_limit_s=0.05)
    await one.run_round("made")
    assert (hanging.begun, again.begun, health_of(one).errors) == (1, 0, 2)
