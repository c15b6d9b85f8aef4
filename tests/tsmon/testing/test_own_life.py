"""After a capture each Monitor is as it was before, and its own store has nothing of the test's."""

import asyncio
import gc
import logging
import os
import threading
import time
import weakref
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tsmon.integrations.one_request import call_asgi
from tests.tsmon.testing.selling import Sold, identity_holds, make_settings, respond_by, stored, stored_in_file
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware as AsgiMiddleware
from tsmon.integrations.field_kinds import field_kinds_of
from tsmon.integrations.logging import LogHandler
from tsmon.integrations.wsgi import RequestMiddleware
from tsmon.line_protocol import parse_line
from tsmon.monitor.background import BackgroundMonitor
from tsmon.monitor.lifecycle import Phase
from tsmon.points import InProgress, Log, Request
from tsmon.points.self_metrics import MonitorCounts
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore
from tsmon.testing import MemoryStore, capture_points
from tsmon.testing.second_life import EXCHANGED
from tsmon.work import InProgressCounter, current_work

_before: list[threading.Thread] = []


def note_threads() -> None:
    _before[:] = threading.enumerate()


@pytest.fixture(autouse=True)
def threads_before() -> None:
    note_threads()


def new_threads() -> list[threading.Thread]:
    """Threads of Monitors that the test has started."""
    return [thread for thread in threading.enumerate() if thread.name == "tsmon" and thread not in _before]


def test_one_that_runs_in_the_background_continues(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    with monitor as background:
        background.emit(Sold(pieces=1))
        background.flush(5)
        own = background._thread, background._loop, background.counts
        for _ in range(2):
            with capture_points() as emitted:
                background.emit(Sold(pieces=2))
                background.flush(5)
                assert background.counts.written == len(emitted) == 1
                assert background.is_running
                assert asyncio.run(stored(monitor.store)) == 1
            assert (background._thread, background._loop, background.counts) == own
        background.emit(Sold(pieces=3))
        background.flush(5)
        assert background.counts.written == 2
        assert identity_holds(background.counts)
    assert stored_in_file(tmp_path) == 2
    assert not new_threads()


def test_what_waits_from_before_is_sent_afterwards(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path, flushing_period=3600))
    with monitor as background:
        background.flush(5)
        pipeline, loop = monitor._pipeline, background._loop
        assert loop is not None
        background.emit(Sold(pieces=1))
        with capture_points():
            for _ in range(3):
                loop.call_soon_threadsafe(pipeline._flush_soon)
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loop).result(5)
            counts = pipeline.buffer.counts(nonfinite_fields=0)
            assert (counts.written, counts.pending) == (0, 1)
        background.flush(5)
        assert background.counts.written == 1


async def test_an_application_that_a_test_has_served_begins_anew(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path), service="shop")

    async def respond(_: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    app = AsgiMiddleware(respond, monitor)
    for _ in range(2):
        with capture_points() as emitted:
            await call_asgi(app)
            assert monitor.is_running
        emitted.one(Request)
        assert not monitor.is_running
    await call_asgi(app)
    assert monitor.is_running
    with capture_points():
        await call_asgi(app)
        await monitor.stop()
    assert monitor.is_running
    await call_asgi(app)
    await monitor.stop()
    assert monitor.counts.accepted >= 2
    assert identity_holds(monitor.counts)


def test_a_stop_in_a_test_does_not_stop_one_that_runs(tmp_path: Path) -> None:
    with Monitor(make_settings(tmp_path)) as background:
        with capture_points() as emitted:
            background.stop()
            background.emit(Sold(pieces=1))
            emitted.none(Sold)
            assert not background.is_running
        assert background.is_running
        background.emit(Sold(pieces=2))
        background.flush(5)
        assert background.counts.written == 1


async def test_one_that_runs_on_the_programs_event_loop_continues(tmp_path: Path) -> None:
    async with Monitor(make_settings(tmp_path)) as monitor:
        monitor.emit(Sold(pieces=1))
        await monitor.flush(5)
        with capture_points() as emitted:
            monitor.emit(Sold(pieces=2))
            await monitor.flush(5)
            emitted.one(Sold)
            await monitor.stop()
            await monitor.start()
            monitor.emit(Sold(pieces=3))
        assert [point.pieces for point in emitted.points(Sold)] == [2, 3]
        assert monitor.is_running
        monitor.emit(Sold(pieces=4))
        await monitor.flush(5)
        assert await stored(monitor.store) == 2


def test_one_whose_event_loop_ends_in_a_test_continues_in_a_thread(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(monitor.start())
    with capture_points() as emitted:
        note_threads()  # A Monitor that runs from before, of another test, has one of its own in the capture.
        monitor.emit(Sold(pieces=1))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        monitor.emit(Sold(pieces=2))
        assert not new_threads()
    assert len(emitted.points(Sold)) == 2
    monitor.emit(Sold(pieces=3))
    asyncio.run(monitor.stop())
    assert monitor.counts.written == 1
    assert stored_in_file(tmp_path) == 1


def test_one_that_was_stopped_before_takes_points_and_is_stopped_afterwards(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    with monitor:
        pass
    with capture_points() as emitted:
        monitor.emit(Sold(pieces=1))
    emitted.one(Sold)
    monitor.emit(Sold(pieces=2))
    assert monitor.counts.dropped_by == {"stopped": 1}


def test_what_integrations_gathered_before_is_not_the_tests_and_is_not_lost(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path), service="shop")
    request = respond_by(monitor)
    request()
    assert monitor.counts.accepted == 0
    with capture_points() as emitted:
        emitted.none(Request)
        request()
        emitted.one(Request)
    assert monitor.counts.accepted >= 1
    accepted = monitor.counts.accepted
    request()
    assert monitor.counts.accepted == accepted, "requests are gathered again"


@pytest.mark.parametrize("runs", [False, True])
def test_types_of_fields_that_a_test_has_shown_decide_nothing_afterwards(runs: bool) -> None:
    monitor = Monitor(store=MemoryStore(), service="shop")
    logger = logging.getLogger(f"sold_by_types_{runs}")
    logger.addHandler(LogHandler(monitor, extra=["order", "pieces"]))

    def lines_of(*orders: object) -> list[str]:
        with capture_points() as emitted:
            for order in orders:
                logger.warning("sold", extra={"order": order})
            return [str(point.fields) for point in emitted.points(Log)]

    with monitor if runs else nullcontext():
        assert lines_of("17", 17) == ["{'order': '17'}", "{'order': '17'}"]
        assert lines_of(17, "no") == ["{'order': 17}", "{'order_str': 'no'}"]
        logger.warning("sold", extra={"order": 1.5})
        assert lines_of(17, 0.5) == ["{'order': 17}", "{'order_float': 0.5}"]
        own = field_kinds_of(monitor.clock)._kinds
        assert own == {"order": float}
        # What is declared stays, wherever that was.
        LogHandler(monitor, extra={"order": int})
        with capture_points():
            LogHandler(monitor, extra={"pieces": int})
        assert lines_of("17") == ["{'order_str': '17'}"]
        assert field_kinds_of(monitor.clock)._kinds == {"order": int, "pieces": int}


def test_what_waits_from_before_has_the_types_from_before(tmp_path: Path) -> None:
    monitor = Monitor(store=MemoryStore(), service="shop")
    set_price: Any = [0.5]

    def respond(_: Any, start: Any) -> list[bytes]:
        current_work().fields["price"] = set_price[0]  # type: ignore[union-attr]
        start("200 OK", [])
        return [b""]

    app = RequestMiddleware(respond, monitor)  # type: ignore[arg-type]
    for set_price[0] in (0.5, 1):
        [*app({}, lambda *_: None)]
    with capture_points() as emitted:
        set_price[0] = "dear"
        [*app({}, lambda *_: None)]
        assert emitted.one(Request).fields == {"price": "dear"}
    lines = map(parse_line, monitor._buffer.lines)
    assert [line.fields["price"] for line in lines if line.measurement == "requests"] == [0.5, 1.0]


def test_work_in_progress_and_own_metrics_are_reported_to_each_as_if_alone(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path, self_metrics_period=0.001, flushing_period=3600), service="shop")
    exports = InProgressCounter(monitor, "exports")
    with monitor as background:
        background.flush(5)
        before = background.counts.accepted
        with capture_points() as emitted:
            exports.enter()
            background.flush(5)
            assert emitted.points(MonitorCounts)[0].accepted == 0
            assert emitted.one(InProgress).count == 1
            assert len(emitted) == background.counts.accepted
        assert background.counts.accepted <= before + 1
        background.flush(5)
        assert background.counts.accepted >= before + 2, "the own life reports the work in progress, too"
        progress = Selector("in_progress", "count")
        bins = asyncio.run(monitor.store.bins(progress, start_ns=0, stop_ns=2**62, every_ns=2**61))
        assert [one.count for one in bins] == [1]
        assert identity_holds(background.counts)
    exports.leave()


async def test_a_change_of_the_settings_in_a_test_changes_nothing_real(tmp_path: Path) -> None:
    async with Monitor(make_settings(tmp_path)) as monitor:
        own, before = monitor.store, monitor.settings
        with capture_points() as emitted:
            other = before.model_copy(update={"file": tmp_path / "other.db", "tags": {"x": "y"}})
            await monitor.reconfigure(other, lambda: SqliteStore(tmp_path / "other.db"))
            monitor.emit(Sold(pieces=1))
            await monitor.flush(5)
        assert emitted.one(Sold).tags == {"x": "y"}
        assert (monitor.store, monitor.settings) == (own, before)
        assert not (tmp_path / "other.db").exists()


def test_one_that_a_test_leaves_running_runs_in_the_next_test(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    with capture_points() as emitted:
        background = monitor.start_in_background()
        background.emit(Sold(pieces=1))
    emitted.one(Sold)
    assert not monitor.is_running
    assert not new_threads()
    for _ in range(2):
        with capture_points() as emitted:
            background.emit(Sold(pieces=2))
            background.flush(5)
            emitted.one(Sold)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("runs", [False, True])
def test_points_that_threads_emit_all_the_time_are_here_or_there_and_never_lost(tmp_path: Path, runs: bool) -> None:
    monitor = Monitor(make_settings(tmp_path, self_metrics_period=0))
    if runs:
        monitor.start_in_background()
    ends = threading.Event()
    numbers: list[int] = []

    def emit() -> None:
        emitted = 0
        while not ends.is_set():
            monitor.emit(Sold(pieces=emitted))
            emitted += 1
            time.sleep(0.00001)
        numbers.append(emitted)

    threads = [threading.Thread(target=emit) for _ in range(3)]
    for thread in threads:
        thread.start()
    captured = []
    for _ in range(6):
        with capture_points() as emitted:
            while not emitted:
                pass
        captured.append(emitted)
    ends.set()
    for thread in threads:
        thread.join()
    seen = sum(len([line for line in emitted.lines if line.startswith("sold ")]) for emitted in captured)
    assert identity_holds(monitor.counts)
    assert seen + monitor.counts.accepted == sum(numbers)
    assert monitor.counts.dropped_by == {}
    monitor.__exit__(None, None, None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_writes_nothing_real(tmp_path: Path) -> None:
    with Monitor(make_settings(tmp_path)) as background:
        background.flush(5)
        with capture_points() as emitted:
            child = os.fork()
            if not child:
                background.emit(Sold(pieces=1))
                os._exit(background.counts.accepted)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            emitted.none(Sold)
        background.emit(Sold(pieces=2))
        background.flush(5)
        assert background.counts.written == 1
    assert stored_in_file(tmp_path) == 1


def test_every_attribute_of_a_monitor_is_exchanged_or_shared_on_purpose() -> None:
    shared = {"_service", "_clock", "_self_metrics", "_sources", "emit"}
    off = Monitor(MonitoringSettings(enabled=False))
    assert set(vars(off)) == set(EXCHANGED) | shared
    assert set(vars(BackgroundMonitor(off))) == {"_monitor", "_thread", "emit", "take_time_ns", "add_source"}


def test_no_monitor_is_kept_alive_by_a_capture() -> None:
    with capture_points():
        monitor = weakref.ref(Monitor())
    gc.collect()
    assert monitor() is None


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["emit", "start", "stop", "flush"]), max_size=6), st.booleans())
def test_whatever_a_test_does_the_own_life_is_untouched(steps: list[str], runs: bool) -> None:
    monitor = Monitor(store=MemoryStore())
    background = BackgroundMonitor(monitor) if not runs else monitor.start_in_background()
    monitor.emit(Sold(pieces=1))
    try:
        before = (monitor._lifecycle.phase, monitor.counts.accepted, background.is_running)
        with capture_points() as emitted:
            expected, stopped = 0, False
            for step in steps:
                if step == "emit":
                    background.emit(Sold(pieces=2))
                    expected += not stopped
                elif step == "start":
                    monitor.start_in_background()
                    stopped = False
                elif step == "stop":
                    is_stop = monitor._background is not None and monitor._background.is_running
                    monitor.__exit__(None, None, None)
                    stopped = stopped or is_stop
                elif monitor._background is not None and monitor._background.is_running:
                    monitor._background.flush(5)
        assert len(emitted.points(Sold)) == expected
        assert (monitor._lifecycle.phase, monitor.counts.accepted, background.is_running) == before
    finally:
        monitor.__exit__(None, None, None)
    assert monitor._lifecycle.phase is (Phase.STOPPED if runs else Phase.NEW)
