"""What a client does not wait for is not computed; what it changes is changed."""

import asyncio
import threading
from typing import Any

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent, eventually
from tests.tsmon_agent.web.streams.known_instrument import NAME, known
from tests.tsmon_agent.web.streams.operator import Operator, operator
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent.streams.inventory import query_deployments

__all__ = ["known", "operator"]


@pytest.mark.parametrize("path", [f"/available/{NAME}", f"/streams/{NAME}"])
async def test_queries_of_a_page_are_cancelled(
    known: ServedAgent, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever store answers them: an InfluxDB server then sees that the connection is closed."""
    begun, cancelled = [], []

    async def wait(*_: Any, **__: Any) -> None:
        begun.append(1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    monkeypatch.setattr(SqliteStore, "bins_of_spans", wait)
    page = asyncio.ensure_future(known.client.get(path))
    await eventually(lambda: len(begun) > 1)
    page.cancel()
    await asyncio.gather(page, return_exceptions=True)
    await eventually(lambda: len(cancelled) == len(begun))


async def test_a_change_is_finished_and_audited(operator: Operator) -> None:
    state = operator.served.context.state
    await operator("PUT", "/deployed", csv=f"{NAME},1,2024-01-01,2024-02-01\n")  # its token is known then
    release, busy = threading.Event(), threading.Event()

    def occupy(_: object) -> None:
        busy.set()
        release.wait(10)

    occupied = asyncio.ensure_future(state.run(occupy))
    await eventually(busy.is_set)
    change = asyncio.ensure_future(operator("PUT", f"/deployed/{NAME}/1", {"start": "2024-01-15"}))
    await eventually(lambda: state._thread._work_queue.qsize() > 0)
    change.cancel()
    await asyncio.gather(change, return_exceptions=True)
    release.set()
    await occupied
    async with asyncio.timeout(10):
        while len(await operator.actions()) < 2:
            await asyncio.sleep(0.01)
    [deployment] = await state.run(query_deployments)
    assert deployment.start_ns == 1_705_276_800_000_000_000
