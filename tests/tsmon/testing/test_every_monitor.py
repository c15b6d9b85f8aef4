"""A capture sees every Monitor, whenever and however it was created."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.tsmon.testing.selling import (
    CountingMonitor,
    Sold,
    make_record,
    make_settings,
    respond_by,
    stored,
    stored_in_file,
)
from tsmon import Monitor
from tsmon.errors import InvalidPointError
from tsmon.integrations.logging import LogHandler
from tsmon.monitor.background import BackgroundMonitor
from tsmon.points import Log, Request
from tsmon.stores.sqlite import SqliteStore
from tsmon.testing import EmittedPoints, MemoryStore, capture_points
from tsmon.work import InProgressCounter


@pytest.mark.parametrize("cls", [Monitor, CountingMonitor])
def test_a_monitor_from_before_and_references_to_its_emit(cls: type[Monitor], tmp_path: Path) -> None:
    monitor = cls(make_settings(tmp_path))
    emit = monitor.emit
    monitor.emit(Sold(pieces=1))
    with capture_points() as emitted:
        monitor.emit(Sold(pieces=2))
        emit([Sold(pieces=3)])
        threads = [threading.Thread(target=emit, args=(Sold(pieces=4),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert monitor.counts.accepted == monitor.sequence == 5
        assert monitor.series == 1
    emit(Sold(pieces=5))
    assert sorted(point.pieces for point in emitted.points(Sold)) == [2, 3, 4, 4, 4]
    assert monitor.counts.accepted == monitor.counts.pending == 2
    assert list(tmp_path.iterdir()) == []
    with monitor as background:
        background.flush(5)
    assert stored_in_file(tmp_path) == 2
    if isinstance(monitor, CountingMonitor):
        assert monitor.emitted >= 7


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started_before(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    async with Monitor(make_settings(tmp_path_factory.mktemp("started"))) as monitor:
        yield monitor
        await monitor.flush(5)
        assert await stored(monitor.store) == 0


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("again", [False, True])
async def test_one_on_an_event_loop_of_several_tests(
    started_before: Monitor, tsmon: EmittedPoints, again: bool
) -> None:
    started_before.emit(Sold(pieces=1))
    await started_before.flush(5)
    assert tsmon.one(Sold).pieces == started_before.counts.written == 1


def test_one_that_is_switched_off_is_seen_with_its_integrations(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path, enabled=False), service="shop")
    emit, background, handler = monitor.emit, BackgroundMonitor(monitor), LogHandler(monitor)
    counter = InProgressCounter(monitor, "sales")
    request = respond_by(monitor)
    request()
    with capture_points() as emitted:
        emit(Sold(pieces=1))
        monitor.emit(Sold(pieces=2))
        background.emit(Sold(pieces=3))
        handler.handle(make_record("no stock"))
        request()
        with counter, Monitor(make_settings(tmp_path, enabled=False)) as inside:
            inside.emit(Sold(pieces=4))
            assert emitted.one(Request).service == "shop"
            assert monitor.settings.enabled
    assert [point.pieces for point in emitted.points(Sold)] == [1, 2, 3, 4]
    assert emitted.one(Log).message == "no stock"
    emit(Sold(pieces=5))
    request()
    handler.handle(make_record("again"))
    assert not monitor.settings.enabled
    assert monitor.counts.accepted == 0
    assert len(emitted.points(Sold)) == 4
    assert list(tmp_path.iterdir()) == []


def test_refused_points_are_those_of_the_test(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    wrong = Sold(pieces="three")  # type: ignore[arg-type]
    with capture_points() as emitted, pytest.raises(InvalidPointError):
        monitor.emit(wrong)
    assert emitted.refused == 1
    assert monitor.counts.refused == 0


def test_stores_that_the_program_gives_are_not_written_to_but_memory_is(tmp_path: Path) -> None:
    memory = MemoryStore()
    with capture_points() as emitted:
        for store in (SqliteStore(tmp_path / "real.db"), memory):
            with Monitor(store=store) as monitor:
                monitor.emit(Sold(pieces=1))
    assert len(emitted.points(Sold)) == 2
    assert asyncio.run(stored(memory)) == 1
    assert list(tmp_path.iterdir()) == []


def test_captures_inside_each_other_see_what_happens_while_they_last(tmp_path: Path) -> None:
    monitor = Monitor(make_settings(tmp_path))
    with capture_points() as outer:
        monitor.emit(Sold(pieces=1))
        with capture_points() as inner:
            monitor.emit(Sold(pieces=2))
        monitor.emit(Sold(pieces=3))
    assert [point.pieces for point in outer.points(Sold)] == [1, 2, 3]
    assert inner.one(Sold).pieces == 2
    assert monitor.counts.accepted == 0


def test_a_monitor_that_a_test_creates_is_seen_by_the_next_one_too() -> None:
    with capture_points() as first:
        monitor = Monitor(service="shop")
        monitor.emit(Sold(pieces=1))
    with capture_points() as second:
        monitor.emit(Sold(pieces=2))
    assert (first.one(Sold).pieces, second.one(Sold).pieces) == (1, 2)


@pytest.fixture
def app_of_another_fixture(tsmon: EmittedPoints) -> Iterator[Monitor]:
    """Set up and torn down within the capture."""
    with Monitor(service="shop") as background:
        yield background  # type: ignore[misc]


def test_a_monitor_that_a_fixture_starts_and_stops(app_of_another_fixture: Monitor, tsmon: EmittedPoints) -> None:
    app_of_another_fixture.emit(Sold(pieces=1))
    tsmon.one(Sold)
