"""A signal handler may raise an exception while points are emitted, as Celery's time limits and alarms do."""

import itertools
import signal
import time
from pathlib import Path

import pytest

from tests.services.alarms import interrupt
from tests.services.points import Numbered
from tsmon import Monitor
from tsmon.delivery.accounting import Counts
from tsmon.monitor.background import BackgroundMonitor
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.stores.memory import MemoryStore

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")


def settings(tmp_path: Path, **options: object) -> MonitoringSettings:
    plain = {"flushing_period": 0.005, "self_metrics_period": 0, "spool_directory": tmp_path / "spool"}
    return MonitoringSettings.model_validate(plain | options)


def stored(store: MemoryStore) -> int:
    return sum(len(rows) for _, rows in store._selected(Selector("numbered", "n")))


def check_stopped(monitor: BackgroundMonitor | Monitor) -> Counts:
    counts = monitor.counts
    assert (counts.pending, counts.recovered) == (0, 0)
    assert counts.accepted == counts.written + counts.dropped
    return counts


def locks_of(one: BackgroundMonitor) -> list[object]:
    buffer = one._monitor._buffer  # type: ignore[attr-defined]
    lifecycle = one._monitor._lifecycle  # type: ignore[attr-defined]
    return [buffer._lock, lifecycle._transition]


def test_emitting(tmp_path: Path) -> None:
    store = MemoryStore()
    numbers = itertools.count()
    one = Monitor(settings(tmp_path), store=store).start_in_background()
    interrupt(lambda: one.emit(Numbered(n=next(numbers))), 2_000, 0.000_1)
    interrupt(lambda: one.emit([Numbered(n=next(numbers)) for _ in range(5)]), 1_000, 0.000_1)
    one.flush(60.0)
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 4.0
    assert not any(lock.locked() for lock in locks_of(one))  # type: ignore[attr-defined]
    counts = check_stopped(one)
    assert counts.dropped == 0
    assert stored(store) == counts.written <= next(numbers)
