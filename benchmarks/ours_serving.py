"""tsmon's middleware in the application of the benchmark of requests."""

import asyncio

from benchmarks.rounds import Figures
from benchmarks.serving import application, serve
from tsmon import Monitor
from tsmon.integrations.aiohttp import middleware
from tsmon.settings import MonitoringSettings
from tsmon.stores.memory import MemoryStore

__all__ = ["requests"]


def requests(count: int) -> Figures:
    """One round; nothing is flushed during it, as in the peers."""
    monitor = Monitor(MonitoringSettings(flushing_period=3600.0), service="bench", store=MemoryStore())
    app = application()
    app.middlewares.append(middleware(monitor))
    return asyncio.run(serve(app, count, lambda: monitor.counts.accepted))
