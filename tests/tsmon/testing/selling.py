"""Monitors and points for the tests of captures, and what a store has of them."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsmon import Monitor, Point
from tsmon.delivery.accounting import Counts
from tsmon.integrations.wsgi import RequestMiddleware
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector, Store
from tsmon.stores.sqlite import SqliteStore


class Sold(Point, measurement="sold"):
    pieces: int


class CountingMonitor(Monitor):
    """A subclass with an ``emit`` and a state of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.emitted = 0
        super().__init__(*args, **options)

    def emit(self, point: Any) -> None:
        self.emitted += 1
        super().emit(point)


def make_settings(tmp_path: Path, **options: Any) -> MonitoringSettings:
    options = {"flushing_period": 0.01, **options}
    return MonitoringSettings(store="sqlite", file=tmp_path / "real.db", **options)


def identity_holds(counts: Counts) -> bool:
    return counts.accepted + counts.recovered == counts.written + counts.pending + counts.dropped


async def stored(store: Store) -> int:
    bins = await store.bins(Selector("sold", "pieces"), start_ns=0, stop_ns=2**62, every_ns=2**61)
    return sum(one.count for one in bins)


def stored_in_file(tmp_path: Path) -> int:
    async def read() -> int:
        async with SqliteStore(tmp_path / "real.db") as store:
            return await stored(store)

    return asyncio.run(read())


def respond_by(monitor: Monitor) -> Callable[[], None]:
    """An application that answers one request per call."""

    def respond(_: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b""]

    app = RequestMiddleware(respond, monitor)  # type: ignore[arg-type]
    return lambda: [*app({}, lambda *_: None)] and None


def make_record(message: str) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "shop", "msg": message})
