"""A signal handler may raise while requests are recorded: none stays open, and none that was counted is lost."""

import itertools
import signal

import pytest

from tests.services.alarms import interrupt
from tsmon import Monitor
from tsmon.integrations.recorder import RequestRecorder
from tsmon.integrations.request_summaries import RequestSummaries
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.stores.memory import MemoryStore
from tsmon.work import current_work

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")

ALARMS = 700


@pytest.mark.parametrize("options", [{}, {"summarize_routes": ["*"]}], ids=["points", "sums"])
@pytest.mark.parametrize("status", [200, 500])
async def test_requests(options: dict[str, list[str]], status: int) -> None:
    store = MemoryStore()
    settings = MonitoringSettings.model_validate({"flushing_period": 3600, "self_metrics_period": 0} | options)
    async with Monitor(settings, service="web", store=store) as monitor:
        recorder = RequestRecorder(monitor)
        numbers = itertools.count()
        ended = 0

        def serve() -> None:
            nonlocal ended
            request = None
            try:
                request = recorder.begin()
            finally:
                # As every integration does; an alarm in here loses at most this request.
                if request is not None:
                    recorder.end(request, "GET", "/r", status, request_id=str(next(numbers)))
                    ended += 1

        def serve_and_leave() -> None:
            try:
                serve()
            except BaseException:
                # Ended by the integration, or by whatever was current before.
                if (work := current_work()) is not None:
                    recorder.leave(work)  # type: ignore[arg-type]
                raise

        interrupt(serve_and_leave, ALARMS, 0.000_2)
        assert recorder.failures == 0
        assert recorder.reduced == 0
        assert recorder.in_progress == 0
        begun = next(numbers)
        await monitor.flush()
        if options:
            found = sum(
                int(n) for _, rows in store._selected(Selector("requests_summary", "count")) for n in rows.values()
            )
        else:
            found = sum(len(rows) for _, rows in store._selected(Selector("requests", "execution_time")))
        assert ended <= found <= begun
        assert begun - found <= ALARMS


def test_sums() -> None:
    summaries = RequestSummaries("web")
    called = 0

    def add() -> None:
        nonlocal called
        called += 1
        summaries.add("GET:/r", 200, 1.0)

    interrupt(add, ALARMS, 0.000_05)
    assert not summaries._lock.locked()
    (found,) = summaries.collect()
    assert called - ALARMS <= found.count <= called
    assert (found.sum, found.min, found.max) == (found.count, 1.0, 1.0)
