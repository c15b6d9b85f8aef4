"""Stores whose connections cannot be closed, because their event loop has ended."""

import asyncio

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import Numbered, stored
from tsmon import Monitor, StoreError
from tsmon.settings import MonitoringSettings
from tsmon.stores.influxdb import InfluxConnection, InfluxStore


class Bound(OwnStore):
    """Has something that only its own loop can close, and cannot be opened twice."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        if self.loop is not None:
            raise StoreError("it is open already")
        self.loop = asyncio.get_running_loop()

    async def close(self) -> None:
        if self.loop not in (None, asyncio.get_running_loop()):
            raise RuntimeError("another loop")
        self.loop = None


class Forgetting(Bound):
    def after_loop_end(self) -> None:
        self.loop = None

    def after_fork(self) -> None:
        raise AssertionError("there was no fork")


def emit_on_idle_loop(monitor: Monitor, n: int) -> asyncio.AbstractEventLoop:
    """Emit on a loop of its own, which stands still afterwards."""

    async def work() -> None:
        await monitor.start()
        monitor.emit(Numbered(n=n))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    return loop


def test_a_store_forgets_what_belonged_to_the_loop() -> None:
    store = Forgetting()
    monitor = Monitor(MonitoringSettings(flushing_period=1e6), store=store)
    loops = [emit_on_idle_loop(monitor, n) for n in range(3)]
    loops[-1].run_until_complete(monitor.stop())
    assert len(store.lines) == 3
    for loop in loops:
        loop.run_until_complete(asyncio.sleep(0.01))  # What was cancelled there ends.
        loop.close()


async def test_influxdb_opens_again(influxdb: InfluxDB, bucket: str) -> None:
    store = InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))
    await store.open()
    session = store._session
    store.after_loop_end()
    assert not store.is_open
    async with store:
        await store.write(b"numbered n=1i")
    assert stored(influxdb, bucket) == [1]
    assert session is not None
    await session.close()
