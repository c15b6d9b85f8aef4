import time

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent, cpu, eventually
from tsmon.errors import StoreUnavailableError


async def test_health_is_that_the_loop_works(served: ServedAgent) -> None:
    assert await served.get_text("/healthz") == "ok\n"


async def test_it_is_not_ready_before_a_point_is_stored_and_a_sampler_works(served: ServedAgent) -> None:
    answer = await served.get_json("/readyz", 503)
    assert answer == {"ready": False, "reasons": ["no point has reached the store yet", "no sampler works"]}


async def test_it_is_ready_when_the_store_took_points_and_a_sampler_works(served: ServedAgent) -> None:
    await served.store(cpu(1.0))
    state = served.context.sampling.health[0]
    state.last_success_ns = time.time_ns()
    assert await served.get_json("/readyz") == {"ready": True, "reasons": []}
    state.failing = True
    assert (await served.get_json("/readyz", 503))["reasons"] == ["no sampler works"]


async def test_it_is_not_ready_while_the_store_takes_nothing(
    served: ServedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    monkeypatch.setattr(served.context.store, "write", write)
    served.context.monitor.emit(cpu(1.0))
    await eventually(lambda: served.context.monitor.last_error is not None)
    reasons = (await served.get_json("/readyz", 503))["reasons"]
    assert reasons[0] == "the store did not accept the last points: the disk is full"
