import asyncio

from tsmon_agent.host.sampling.live_feed import QUEUED_ROUNDS, LiveFeed, Round


def new(sampler: str, n: int) -> Round:
    return Round(sampler, n, [])


def test_newest_round_of_each_sampler_is_kept() -> None:
    feed = LiveFeed()
    feed.publish(new("cpu", 1))
    feed.publish(new("mem", 2))
    feed.publish(new("cpu", 3))
    assert {name: kept.time_ns for name, kept in feed.newest.items()} == {"cpu": 3, "mem": 2}


def test_forgotten_sampler_has_no_newest_round() -> None:
    feed = LiveFeed()
    feed.publish(new("cpu", 1))
    feed.forget("cpu")
    feed.forget("never there")
    assert feed.newest == {}


async def test_listeners_get_every_round_that_comes_while_they_listen() -> None:
    feed = LiveFeed()
    feed.publish(new("cpu", 1))
    with feed.listen() as first, feed.listen() as second:
        feed.publish(new("cpu", 2))
        feed.publish(new("mem", 3))
        assert [(await queue.get()).time_ns for queue in (first, first, second, second)] == [2, 3, 2, 3]
    feed.publish(new("cpu", 4))
    assert first.empty()


async def test_slow_listener_loses_the_oldest_and_holds_up_nobody() -> None:
    feed = LiveFeed()
    with feed.listen() as slow:
        for n in range(QUEUED_ROUNDS + 10):
            feed.publish(new("cpu", n))
        assert slow.qsize() == QUEUED_ROUNDS
        assert slow.get_nowait().time_ns == 10


async def test_listener_that_is_cancelled_is_gone() -> None:
    feed = LiveFeed()
    queues: list[asyncio.Queue[Round]] = []

    async def listen() -> None:
        with feed.listen() as queue:
            queues.append(queue)
            await queue.get()
            await queue.get()

    task = asyncio.ensure_future(listen())
    await asyncio.sleep(0)
    feed.publish(new("cpu", 1))
    task.cancel()
    await asyncio.wait([task])
    feed.publish(new("cpu", 2))
    assert queues[0].qsize() == 0 or queues[0].get_nowait().time_ns == 1
    assert queues[0].empty()
