"""The protocols of what others need of a Monitor: both its faces fulfil them, and they suffice."""

import logging
from collections.abc import Iterable

import pytest

from tests.services.own_store import OwnStore
from tests.services.points import Numbered
from tsmon import InProgress, Log, Monitor, Point
from tsmon.clock import UniqueClock
from tsmon.integrations.logging import LogHandler
from tsmon.integrations.recorder import RequestRecorder
from tsmon.monitor.emitter import AsyncEmitter, Emitter
from tsmon.monitor.source import Source
from tsmon.settings import MonitoringSettings
from tsmon.work import InProgressCounter


def members(protocol: type) -> set[str]:
    return {name for cls in protocol.__mro__ if cls.__module__ == Emitter.__module__ for name in vars(cls)}


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(MonitoringSettings(flushing_period=1e6, spool="off"), store=OwnStore())


def emit_number(emitter: Emitter) -> None:
    emitter.emit(Numbered(n=1, time=emitter.clock()))


def test_both_faces_of_a_monitor_are_emitters(monitor: Monitor) -> None:
    with monitor as background:
        emit_number(monitor)
        emit_number(background)
        assert background.counts.accepted == 2


def test_the_blocking_face_offers_what_it_needs_of_its_monitor_and_shows_the_same(monitor: Monitor) -> None:
    with monitor as background:
        assert public(dir(background)) == public(members(AsyncEmitter)) | {
            "is_current",
            "is_running",
            "ran_before_fork",
            "start_soon",
        }
        for name in ("emit", "take_time_ns", "add_source", "settings", "clock", "counts", "series", "sequence"):
            assert getattr(background, name) == getattr(monitor, name)
        for name in ("durable_sequence", "last_error", "flush_period_s"):
            assert getattr(background, name) == getattr(monitor, name)


class Collector:
    """An emitter that has nothing else than the protocol demands."""

    def __init__(self) -> None:
        self.settings = MonitoringSettings()
        self.clock = UniqueClock()
        self.points: list[Point] = []
        self.sources: list[Source] = []

    def emit(self, point: Point | Iterable[Point]) -> None:
        self.points.extend(point if isinstance(point, Iterable) else [point])

    def add_source(self, source: Source) -> None:
        self.sources.append(source)

    def flush(self) -> None:
        for source in self.sources:
            self.emit(source.collect())


def test_what_emits_points_needs_nothing_else_than_an_emitter() -> None:
    assert public(members(Emitter)) == {"emit", "add_source", "settings", "clock"}
    collector = Collector()
    recorder = RequestRecorder(collector)
    recorder.end(recorder.begin(), method="GET", resource="/items", status=200)
    with InProgressCounter(collector, "exports"):
        collector.flush()
    handler = LogHandler(collector)
    handler.handle(logging.LogRecord("mine", logging.WARNING, __file__, 1, "disk nearly full", None, None))
    [log] = [point for point in collector.points if isinstance(point, Log)]
    assert log.message == "disk nearly full"
    counted = [(point.kind, point.count) for point in collector.points if isinstance(point, InProgress)]
    assert ("exports", 1) in counted
    assert recorder.failures == handler.failures == 0
    assert len(collector.points) == len(counted) + 2
