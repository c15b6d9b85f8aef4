"""Work on the event loop of another thread, and its outcome."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from tsmon.threads.waiting import run_on_loop, wait_for_result, wait_until_done

WAIT_S = 20.0


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def fail() -> int:
    raise ValueError("my own fault")


async def cancel_itself() -> int:
    raise asyncio.CancelledError


def test_results_and_errors_come_back(loop: asyncio.AbstractEventLoop) -> None:
    assert wait_for_result(run_on_loop(answer(), loop), WAIT_S) == 42
    with pytest.raises(ValueError, match="my own fault"):
        wait_for_result(run_on_loop(fail(), loop), WAIT_S)
    with pytest.raises(concurrent.futures.CancelledError):
        wait_for_result(run_on_loop(cancel_itself(), loop), WAIT_S)


def test_cancelling_the_future_cancels_the_work(loop: asyncio.AbstractEventLoop) -> None:
    began, ended = threading.Event(), threading.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = run_on_loop(wait(), loop)
    assert began.wait(WAIT_S)
    assert not wait_until_done(future, 0.001)
    with pytest.raises(TimeoutError):
        wait_for_result(future, 0.001)
    assert future.cancel()
    assert ended.wait(WAIT_S)


def test_work_that_is_cancelled_before_its_turn_never_begins(loop: asyncio.AbstractEventLoop) -> None:
    blocked, go = threading.Event(), threading.Event()
    begun = []

    async def begin() -> None:
        begun.append(True)

    def block() -> None:
        blocked.set()
        go.wait(WAIT_S)

    loop.call_soon_threadsafe(block)
    assert blocked.wait(WAIT_S)
    future = run_on_loop(begin(), loop)
    assert future.cancel()
    go.set()
    assert wait_for_result(run_on_loop(answer(), loop), WAIT_S) == 42
    assert not begun
