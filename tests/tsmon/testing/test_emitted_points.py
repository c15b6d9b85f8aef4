"""The points that the tests of a user's program see."""

import asyncio
import math
import threading
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal

import influxdb_client
import numpy
import pandas
import pytest

from tsmon import InvalidPointError, Monitor, Point, Request, RequestError, Tag, TagAndField
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.testing import EmittedPoints, MemoryStore, capture_points

HEALTHY = Request(service="faces", route="GET:/a", status_code=200, request_id="1", execution_time=0.5)
BROKEN = Request(route="GET:/b", status_code=500, request_id="2", execution_time=0.25)


class Band(IntEnum):
    RED = 1
    BLUE = 2


class Frame(Point, measurement="frames"):
    band: Tag[Band]
    mode: Tag[Literal["day", "night"]]
    live: Tag[bool | None] = None
    code: TagAndField[int] = 0
    exposure: float
    note: str | None = None


async def test_points_are_seen_before_they_are_flushed(tsmon: EmittedPoints) -> None:
    monitor = Monitor(service="faces")
    monitor.emit([HEALTHY, BROKEN])
    assert [point.status_code for point in tsmon.points(Request)] == [200, 500]
    assert tsmon.one(Request, status_code=500).route == "GET:/b"
    assert tsmon.one(Request, status_code=500).service == "faces"
    tsmon.none(RequestError)
    assert len(tsmon) == 2


async def test_flushed_points_are_seen_too_and_nothing_is_pending(tsmon: EmittedPoints) -> None:
    async with Monitor() as monitor:
        monitor.emit(HEALTHY)
        await monitor.flush()
        assert monitor.counts.written == 1
        bins = await monitor.store.bins(
            Selector("requests", "execution_time"), start_ns=0, stop_ns=2**62, every_ns=2**61
        )
        assert sum(bin_.count for bin_ in bins) == 1
    tsmon.one(Request)


def test_a_program_without_an_event_loop(tsmon: EmittedPoints) -> None:
    with Monitor() as monitor:
        thread = threading.Thread(target=monitor.emit, args=(HEALTHY,))
        thread.start()
        thread.join()
    tsmon.one(Request)


def test_a_point_is_returned_with_its_own_types(tsmon: EmittedPoints) -> None:
    frame = Frame(band=Band.BLUE, mode="night", live=True, code=7, exposure=1.5, note='a "b"', time=12)
    Monitor().emit(frame)
    back = tsmon.one(Frame)
    assert back == frame
    assert type(back.band) is Band


def test_additional_tags_and_fields_and_the_monitors_own(tsmon: EmittedPoints) -> None:
    settings = MonitoringSettings(tags={"worker": "3"}, tags_as_fields=["status_code"])
    Monitor(settings, store=MemoryStore(), service="x").emit(
        Request(
            route="GET:/", status_code=200, request_id="1", execution_time=1.0, tags={"x": "y"}, fields={"n": 3}
        )
    )
    point = tsmon.one(Request)
    assert point.status_code == 200
    assert point.tags == {"worker": "3", "x": "y"}
    assert point.fields == {"n": 3}


def test_points_of_a_stopped_monitor_do_not_count(tsmon: EmittedPoints) -> None:
    async def stopped() -> Monitor:
        monitor = Monitor()
        await monitor.start()
        await monitor.stop()
        return monitor

    asyncio.run(stopped()).emit(HEALTHY)
    tsmon.none(Request)


def test_if_one_of_several_points_is_refused_none_is_seen(tsmon: EmittedPoints) -> None:
    with pytest.raises(InvalidPointError):
        Monitor().emit([HEALTHY, Request(route="", status_code=200, request_id="1", execution_time="no")])  # type: ignore[arg-type]
    tsmon.none(Request)
    assert tsmon.refused == 2


def test_the_message_lists_what_was_emitted_instead(tsmon: EmittedPoints) -> None:
    Monitor().emit([HEALTHY, Frame(band=Band.RED, mode="day", exposure=1.0)])
    with pytest.raises(AssertionError) as caught:
        tsmon.one(Request, status_code=404)
    assert str(caught.value) == (
        "Request(status_code=404) was emitted never; there were:\n"
        "  Request(service='faces', route='GET:/a', status_code=200, request_id='1', execution_time=0.5)\n"
        "  1 of Frame"
    )
    with pytest.raises(AssertionError, match=r"Frame\(\) was emitted once; there were:"):
        tsmon.none(Frame)


def test_nothing_at_all(tsmon: EmittedPoints) -> None:
    with pytest.raises(AssertionError, match=r"Request\(\) was emitted never; nothing was emitted"):
        tsmon.one(Request)


def test_an_attribute_that_does_not_exist_is_named(tsmon: EmittedPoints) -> None:
    with pytest.raises(AttributeError, match="Request has no attribute 'status'; it has"):
        tsmon.points(Request, status=404)


@pytest.mark.parametrize("missing", [math.nan, math.inf, pandas.NA, numpy.float32("nan"), Decimal("NaN")], ids=repr)
def test_what_was_left_out_is_none_even_if_the_class_requires_it(tsmon: EmittedPoints, missing: Any) -> None:
    class Measured(Point, measurement="measured"):
        place: Tag[str]
        live: TagAndField[bool] = True
        seconds: float
        gain: float = 1.0

    Monitor().emit([Measured(place="", seconds=missing), Measured(place="roof", seconds=2.0, gain=missing)])
    first, second = tsmon.points(Measured)
    assert (first.place, first.live, first.seconds, first.gain) == (None, True, None, 1.0)
    assert (second.place, second.seconds, second.gain) == ("roof", 2.0, None)
    assert tsmon.one(Measured, place="roof") == second
    with pytest.raises(AssertionError, match=r"Measured\(live=True, gain=1\.0\)\n  Measured\(place='roof'"):
        tsmon.none(Measured)


def test_points_of_influxdb_client_are_seen_as_plain_points(tsmon: EmittedPoints) -> None:
    monitor = Monitor()
    monitor.emit(influxdb_client.Point("rooms").tag("room", "7").field("x", 1.5).time(10**18 + 5))
    monitor.emit([influxdb_client.Point("rooms").field("x", 2), HEALTHY])
    assert tsmon.lines[0] == "rooms,room=7 x=1.5 1000000000000000005"
    seen = tsmon.points()
    assert seen[0] == Point(time=10**18 + 5, tags={"room": "7"}, fields={"x": 1.5})
    assert [type(point) for point in seen] == [Point, Point, Request]
    tsmon.one(Request)
    with pytest.raises(AssertionError, match="there were:\n  2 of Point\n  1 of Request"):
        tsmon.one(RequestError)


def test_clear_forgets_earlier_points(tsmon: EmittedPoints) -> None:
    Monitor().emit(HEALTHY)
    tsmon.clear()
    assert tsmon.points() == []
    assert tsmon.lines == []


def test_monitors_are_restored_afterwards() -> None:
    with capture_points() as emitted:
        pass
    store = MemoryStore()
    Monitor(MonitoringSettings(), store=store).emit(HEALTHY)
    assert len(emitted) == 0
