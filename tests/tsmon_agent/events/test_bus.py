"""Events and their listeners."""

import asyncio

from tsmon_agent.events import EventBus
from tsmon_agent.streams.freshness import FreshnessStatus, JudgedStream
from tsmon_agent.streams.freshness.events import StreamStatusChanged


def change(n: int) -> StreamStatusChanged:
    stream = JudgedStream(
        reference_designator="A",
        method="m",
        stream="s",
        status=FreshnessStatus.FAILED,
        since_ns=n,
        newest_ns=None,
        age_ns=None,
    )
    return StreamStatusChanged(n, stream)


async def test_all_listeners_receive_every_event_in_order() -> None:
    events = EventBus()
    events.publish(change(0))
    with events.listen() as one, events.listen() as other:
        events.publish(change(1))
        events.publish(change(2))
        assert [(await one.next()).time_ns, (await one.next()).time_ns] == [1, 2]
        assert [event.time_ns for event in other.drain()] == [1, 2]
        assert other.drain() == []
    events.publish(change(3))
    assert one.drain() == []


async def test_a_slow_listener_loses_the_oldest_events_and_counts_them() -> None:
    events = EventBus()
    with events.listen(queue_size=3) as slow, events.listen() as quick:
        for n in range(10):
            events.publish(change(n))
        assert [event.time_ns for event in slow.drain()] == [7, 8, 9]
        assert slow.dropped == 7
        assert (len(quick.drain()), quick.dropped) == (10, 0)


async def test_a_waiting_listener_is_woken() -> None:
    events = EventBus()
    with events.listen() as listener:
        waiting = asyncio.create_task(listener.next())
        await asyncio.sleep(0)
        events.publish(change(5))
        assert (await waiting).time_ns == 5
