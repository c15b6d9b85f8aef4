import logging
import tracemalloc
from collections.abc import Iterator

import pytest

from tsmon import Monitor, Point, Tag
from tsmon.line_protocol.checked_encoder import MAX_HEADS
from tsmon.settings import MonitoringSettings
from tsmon.stores.memory import MemoryStore


class Visit(Point, measurement="visits"):
    page: Tag[str]
    visitor: Tag[str]
    seconds: float


def visits(count: int) -> Iterator[Visit]:
    return (Visit(time=n, page=f"page {n % 3}", visitor=f"visitor {n}", seconds=1.0) for n in range(count))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_too_many_series_are_told_with_their_cause(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(MonitoringSettings(series_limit=2_000), store=MemoryStore())
    monitor.emit(visits(3_000))
    [warning] = warnings(caplog)
    assert "more than monitoring.series_limit (2000)" in warning
    assert "most are of visits, whose tag 'visitor' has about " in warning
    assert monitor.series == pytest.approx(3_000, rel=0.07)


def test_series_that_repeat_are_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(MonitoringSettings(series_limit=1_000), store=MemoryStore())
    for _ in range(20):
        monitor.emit(visits(900))
    assert warnings(caplog) == []
    assert monitor.series == pytest.approx(900, rel=0.07)


def test_without_a_limit_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(MonitoringSettings(series_limit=0), store=MemoryStore())
    monitor.emit(visits(3_000))
    assert warnings(caplog) == []


def test_a_million_distinct_tag_values_take_no_memory_beyond_the_bounds() -> None:
    # What is buffered is bounded by a setting; the rest is what the encoder and the guard remember.
    settings = MonitoringSettings(buffer_bytes=1_000_000)
    monitor = Monitor(settings, store=MemoryStore())
    encode = monitor._encoding.encode
    tracemalloc.start()
    try:
        monitor.emit(visits(2 * MAX_HEADS))
        before, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for number in range(2 * MAX_HEADS, 1_000_000):
        line = encode(Visit(time=number, page="p", visitor=f"visitor {number}", seconds=1.0))
        assert line.startswith(f"visits,page=p,visitor=visitor\\ {number} seconds=1")
    checked = monitor._encoding._checked_encoders[Visit]
    remembered = sum(len(by_visitor) for by_visitor in checked.heads.values())
    assert remembered <= MAX_HEADS
    assert len(checked.tagged_heads) == 0
    assert before < 8_000_000
    assert monitor.series == pytest.approx(1_000_000, rel=0.07)
