import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.tsmon_agent.waiting import eventually
from tsmon_agent.host.sampling import worker_threads
from tsmon_agent.host.sampling.worker_threads import CallResult, TimeLimitError, WorkerThreads

LONG_S = 30.0
SHORT_S = 0.05


@pytest.fixture
async def threads() -> AsyncIterator[WorkerThreads]:
    workers = WorkerThreads("tested")
    yield workers
    workers.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging calls wait for; opened at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def count() -> int:
    return sum(thread.name == "tested" for thread in threading.enumerate())


async def test_result_and_duration_are_given(threads: WorkerThreads) -> None:
    outcome = await threads.call(lambda: 42, LONG_S)
    assert (outcome.result, outcome.error) == (42, None)
    assert outcome.duration_s >= 0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        TimeoutError("own"),
        SystemExit(3),
        KeyboardInterrupt(),
        StopIteration(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_is_raised_is_an_outcome(threads: WorkerThreads, error: BaseException) -> None:
    def raises() -> None:
        raise error

    outcome = await threads.call(raises, LONG_S)
    assert outcome.error is error
    assert (await threads.call(lambda: "next", LONG_S)).result == "next"


async def test_quick_calls_share_one_thread(threads: WorkerThreads) -> None:
    for _ in range(3):
        outcomes = await asyncio.gather(*(threads.call(threading.get_ident, LONG_S) for _ in range(8)))
        assert len({outcome.result for outcome in outcomes}) == 1


async def test_calls_are_begun_in_order(threads: WorkerThreads) -> None:
    begun: list[int] = []
    await asyncio.gather(*(threads.call(lambda n=n: begun.append(n), LONG_S) for n in range(20)))
    assert begun == list(range(20))


async def test_one_that_hangs_is_given_up_and_delays_no_other(
    threads: WorkerThreads, gate: threading.Event
) -> None:
    hanging = asyncio.ensure_future(threads.call(gate.wait, 2.0))
    others = [threads.call(lambda n=n: n, LONG_S) for n in range(8)]
    outcomes = await asyncio.gather(*others)
    assert [outcome.result for outcome in outcomes] == list(range(8))
    assert not hanging.done()
    outcome = await hanging
    assert isinstance(outcome.error, TimeLimitError)
    assert str(outcome.error) == "it did not return within 2 s"
    assert outcome.duration_s == 2.0


async def test_several_that_hang_delay_no_other(threads: WorkerThreads, gate: threading.Event) -> None:
    hanging = [asyncio.ensure_future(threads.call(gate.wait, LONG_S)) for _ in range(5)]
    await asyncio.sleep(0)
    assert (await threads.call(lambda: "here", LONG_S)).result == "here"
    assert not any(one.done() for one in hanging)
    gate.set()
    assert all(outcome.result for outcome in await asyncio.gather(*hanging))


async def test_what_ended_before_a_call_that_hangs_is_told_at_once(
    threads: WorkerThreads, gate: threading.Event
) -> None:
    """The thread that made the first call goes on with the second, and tells nobody itself."""
    first = asyncio.ensure_future(threads.call(lambda: "first", LONG_S))
    second = asyncio.ensure_future(threads.call(gate.wait, LONG_S))
    assert (await first).result == "first"
    assert not second.done()


async def test_late_result_is_thrown_away_and_seen_as_returned(
    threads: WorkerThreads, gate: threading.Event
) -> None:
    outcomes: list[CallResult[bool]] = []
    call = threads.submit(gate.wait, SHORT_S, outcomes.append)
    await eventually(lambda: outcomes)
    assert not call.returned
    gate.set()
    await eventually(lambda: call.returned)
    assert (await threads.call(lambda: "next", LONG_S)).result == "next"
    assert [type(outcome.error) for outcome in outcomes] == [TimeLimitError]


async def test_threads_that_were_needed_once_end(threads: WorkerThreads, gate: threading.Event) -> None:
    hanging = [asyncio.ensure_future(threads.call(gate.wait, LONG_S)) for _ in range(5)]
    await asyncio.sleep(0)
    await threads.call(lambda: None, LONG_S)
    assert count() >= 6
    gate.set()
    await asyncio.gather(*hanging)
    await eventually(lambda: count() == 1)


async def test_time_limit_counts_from_the_begin(threads: WorkerThreads) -> None:
    """A call that waits longer than its limit for the thread, but is quick itself, is no failure."""
    busy = [asyncio.ensure_future(threads.call(lambda: time.sleep(0.03), LONG_S)) for _ in range(2)]
    await asyncio.sleep(0)
    outcome = await threads.call(lambda: "quick", 0.01)
    assert outcome.result == "quick"
    await asyncio.gather(*busy)


async def test_no_thread_to_be_had_is_a_failure_of_the_call(
    threads: WorkerThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(worker_threads, "NO_THREAD_S", 0.1)
        patch.setattr(threading.Thread, "start", refused)
        outcome = await threads.call(lambda: None, SHORT_S)
    assert isinstance(outcome.error, TimeLimitError)
    assert (await threads.call(lambda: "again", LONG_S)).result == "again"


async def test_close_tells_nobody_and_ends_idle_threads(gate: threading.Event) -> None:
    threads = WorkerThreads("tested")
    outcomes: list[CallResult[bool]] = []
    threads.submit(gate.wait, LONG_S, outcomes.append)
    threads.submit(gate.wait, SHORT_S, outcomes.append)
    threads.close()
    gate.set()
    await eventually(lambda: count() == 0)
    assert not outcomes


def test_loop_that_ended_leaves_nothing_to_trip_over(gate: threading.Event) -> None:
    """A thread that comes back after the loop's end finds nobody to tell, and ends quietly."""

    async def leave() -> None:
        WorkerThreads("tested").submit(gate.wait, LONG_S, lambda _: None)

    asyncio.run(leave())
    assert count() == 1
    gate.set()
    deadline = time.monotonic() + 10
    while count():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_many_rounds_with_calls_of_all_kinds_each_have_one_outcome(threads: WorkerThreads) -> None:
    def work(n: int) -> Callable[[], int]:
        def one() -> int:
            if n % 7 == 0:
                time.sleep(0.03)
            if n % 5 == 0:
                raise ValueError(n)
            return n

        return one

    for _ in range(5):
        outcomes = await asyncio.gather(*(threads.call(work(n), LONG_S) for n in range(40)))
        assert [outcome.result for outcome in outcomes] == [n if n % 5 else None for n in range(40)]
