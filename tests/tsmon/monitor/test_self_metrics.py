"""What a Monitor tells of itself."""

import socket

import pytest

from tests.services.points import Numbered
from tsmon import Monitor, TsmonError
from tsmon.delivery.accounting import Counts
from tsmon.monitor.self_metrics import SelfMetrics
from tsmon.points.self_metrics import MonitorCounts
from tsmon.settings import MonitoringSettings
from tsmon.testing import EmittedPoints, MemoryStore

COUNTS = Counts(
    accepted=10,
    recovered=2,
    written=6,
    pending=1,
    dropped_by={"buffer full": 3, "rejected": 2},
    refused=4,
    nonfinite_fields=5,
)


async def test_every_number_of_the_accounting_is_told(tsmon: EmittedPoints) -> None:
    settings = MonitoringSettings(self_metrics_period=1e-9, service="shop", on_invalid="drop")
    monitor = Monitor(settings, store=MemoryStore())
    async with monitor:
        monitor.emit(Numbered(n=1))
        monitor.emit(Numbered(n="x"))  # type: ignore[arg-type]
        await monitor.flush()
        told = tsmon.one(MonitorCounts)
        assert (told.host, told.service) == (socket.gethostname(), "shop")
        assert (told.accepted, told.pending, told.refused) == (1, 1, 1)


def test_each_reason_of_a_loss_is_told() -> None:
    now = 0.0
    source = SelfMetrics(lambda: COUNTS, lambda: None, 60.0, clock=lambda: now)
    now = 60.0
    [told] = source.collect()
    assert (told.accepted, told.recovered, told.written, told.pending, told.dropped) == (10, 2, 6, 1, 5)
    assert (told.refused, told.nonfinite_fields) == (4, 5)
    assert told.fields == {"dropped_buffer_full": 3, "dropped_rejected": 2}


def test_it_is_told_once_a_period() -> None:
    now = 0.0
    source = SelfMetrics(lambda: COUNTS, lambda: None, 60.0, clock=lambda: now)
    told = []
    for now in (0.0, 59.0, 60.0, 61.0, 119.0, 120.0):
        told += [now] * len(list(source.collect()))
    assert told == [60.0, 120.0]
    source.set_period(0.0)
    now = 1e12
    assert list(source.collect()) == []


async def test_the_settings_may_forbid_it_while_running(tsmon: EmittedPoints) -> None:
    settings = MonitoringSettings(self_metrics_period=1e-9)
    monitor = Monitor(settings, store=MemoryStore())
    async with monitor:
        await monitor.reconfigure(settings.model_copy(update={"self_metrics_period": 0.0}), _never)
        await monitor.flush()
        tsmon.none(MonitorCounts)


def _never() -> MemoryStore:
    raise TsmonError("the store is the same")


@pytest.mark.parametrize("period", [-1.0, float("nan")])
def test_a_period_that_is_none_is_refused(period: float) -> None:
    with pytest.raises(ValueError, match="self_metrics_period"):
        MonitoringSettings(self_metrics_period=period)
