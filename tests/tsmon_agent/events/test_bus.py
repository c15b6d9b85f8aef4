"""Events, for those who listen."""

import asyncio

from tsmon_agent.events import Events
from tsmon_agent.streams.freshness import FreshStream, Level
from tsmon_agent.streams.freshness.events import StreamChanged


def change(n: int) -> StreamChanged:
    stream = FreshStream(
        reference_designator="A",
        method="m",
        stream="s",
        level=Level.FAILED,
        since_ns=n,
        newest_ns=None,
        age_ns=None,
    )
    return StreamChanged(n, stream)


async def test_all_who_listen_hear_every_event_in_order() -> None:
    events = Events()
    events.publish(change(0))
    with events.listen() as one, events.listen() as other:
        events.publish(change(1))
        events.publish(change(2))
        assert [(await one.next()).time_ns, (await one.next()).time_ns] == [1, 2]
        assert [event.time_ns for event in other.all()] == [1, 2]
        assert other.all() == []
    events.publish(change(3))
    assert one.all() == []


async def test_who_is_slow_loses_the_oldest_and_can_tell_how_many() -> None:
    events = Events()
    with events.listen(waiting=3) as slow, events.listen() as quick:
        for n in range(10):
            events.publish(change(n))
        assert [event.time_ns for event in slow.all()] == [7, 8, 9]
        assert slow.missed == 7
        assert (len(quick.all()), quick.missed) == (10, 0)


async def test_who_waits_is_woken() -> None:
    events = Events()
    with events.listen() as listener:
        waiting = asyncio.create_task(listener.next())
        await asyncio.sleep(0)
        events.publish(change(5))
        assert (await waiting).time_ns == 5
