"""Wrong uses of tsmon; type checkers report one mistake in each marked line, and none elsewhere."""

import numpy as np

from tsmon import Monitor, Point, Tag
from tsmon.integrations.aiohttp import middleware
from tsmon.monitor.emitter import Emitter
from tsmon.points import Request
from tsmon.stores import Selector
from tsmon.work import carry_work, timed


class Exposure(Point, measurement="exposures"):
    detector: Tag[str]
    frame: Tag[int]
    duration: float
    comment: str | None = None


Exposure(detector="west", frame=1)  # wrong: a field is missing
Exposure(detector="west", frame=1, duration="long")  # wrong: a field's type
Exposure(detector=3, frame=1, duration=0.5)  # wrong: a tag's type
Exposure(detector="west", frame=1, duration=0.5, coment="typed in haste")  # wrong: no such field
Exposure("west", 1, 0.5)  # wrong: by position
Exposure(detector="west", frame=1, duration=0.5, time="yesterday")  # wrong: no time
Exposure(detector="west", frame=1, duration=0.5, time=np.array([1, 2]))  # wrong: an array is no time
Exposure(detector="west", frame=1, duration=0.5, fields={"x": [1]})  # wrong: a list is no value
Exposure(detector="west", frame=1, duration=0.5, tags={"x": object()})  # wrong: an object is no value
Exposure(detector="west", frame=1, duration=0.5, fields={3: 1})  # wrong: keys are texts
Request(route="GET:/", status_code="200", request_id="a", execution_time=1.0)  # wrong: a tag's type

exposure = Exposure(detector="west", frame=1, duration=0.5)
exposure.duration = 1.0  # wrong: points do not change
exposure.exposure  # wrong: no such attribute
exposure.comment.upper()  # wrong: it may be None


@timed("match_time")
def matched(task: int) -> str:
    return str(task)


matched("3")  # wrong: a timed function keeps its parameters
number: int = matched(3)  # wrong: and its result


@timed  # wrong: the name of the field is missing
def matched_soon(task: int) -> str:
    return str(task)


class Matcher:
    @timed("match_time")
    @staticmethod
    def match(task: int) -> str:
        return str(task)


Matcher.match("3")  # wrong: so does a method
carry_work(matched)("3")  # wrong: so does a function that is carried
with timed("match_time") as timing:
    timing.elapsed_ns = 3  # wrong: it is measured


def emit_exposure(emitter: Emitter) -> None:
    emitter.emit(exposure)
    emitter.flush()  # wrong: an emitter only emits


async def emitted(monitor: Monitor) -> None:
    monitor.emit({"detector": "west"})  # wrong: no point
    emit_exposure(monitor.store)  # wrong: no emitter
    Monitor(servce="catalogue")  # wrong: no such parameter
    of = Selector("exposures", "duration")
    await monitor.store.bins(of, start_ns=0, stop_ns=10)  # wrong: every_ns is missing
    await monitor.store.series(of, start_ns="0", stop_ns=10, every_ns=1)  # wrong: type


middleware(Monitor(), errors_frm=500)  # wrong: no such option
middleware(Monitor(), request_class=Exposure)  # wrong: no class of requests


def emitted_without_a_loop() -> None:
    with Monitor() as monitor:
        monitor.emit(7)  # wrong: no point
        monitor.stop(timeout="long")  # wrong: type
