"""The parts of the agent wired together, started and stopped in order."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tsmon import Monitor, TsmonError
from tsmon.configured import store_from
from tsmon.points import Point
from tsmon.points.agent import Pipeline
from tsmon.settings import Settings, load_settings
from tsmon.stores import Store
from tsmon_agent.configured import samplers_from
from tsmon_agent.live import LiveFeed
from tsmon_agent.sampling import Sampling

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from tsmon_agent.web import WebServer

__all__ = ["Agent"]

_log = logging.getLogger("tsmon")

STOP_TIMEOUT_S = 10.0
PIPELINE_INTERVAL_S = 10.0


class Agent:
    """Samples this host into the configured store, and shows it.

    ``settings_file`` is what SIGHUP reads again; see :func:`tsmon.settings.load_settings`.
    """

    def __init__(self, settings: Settings, *, settings_file: Path | None = None) -> None:
        self.settings = settings
        self.live = LiveFeed()
        self.monitor = Monitor(settings.monitoring, store=store_from(settings.monitoring, embedded=True))
        self._settings_file = settings_file
        self.sampling = self._sampling(settings)
        self._web: WebServer | None = None
        self._upkeep: AsyncIOScheduler | None = None
        self._stop = asyncio.Event()

    @property
    def store(self) -> Store:
        """Where points go, and whom the pages ask."""
        return self.monitor.store

    @property
    def web_address(self) -> str | None:
        """Address of the pages; None where they are off."""
        return self._web.address if self._web is not None else None

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Start, wait for :meth:`request_stop` (or SIGTERM, SIGINT), stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(self.reload()))
        try:
            await self.start()
            started()
            await self._stop.wait()
        finally:
            await self.stop()

    def request_stop(self) -> None:
        """Ask :meth:`run` to end."""
        self._stop.set()

    async def start(self) -> None:
        """Store, pages, samplers, in this order; what fails leaves nothing running."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        await self.monitor.start()
        try:
            await self._start_web()
        except BaseException:
            await self.monitor.stop(0)
            raise
        self.sampling.start()
        self._upkeep = AsyncIOScheduler(timezone=UTC)
        self._upkeep.add_job(
            self._emit_pipeline, "interval", seconds=PIPELINE_INTERVAL_S, coalesce=True, misfire_grace_time=None
        )
        self._upkeep.add_job(self._apply_retention, "interval", minutes=10, coalesce=True, misfire_grace_time=None)
        self._upkeep.start()

    async def stop(self) -> None:
        """Samplers, pages, and last the store, with the last points in it."""
        if self._upkeep is not None:
            self._upkeep.shutdown(wait=False)
            self._upkeep = None
        self.sampling.stop()
        if self._web is not None:
            await self._web.stop()
            self._web = None
        await self.monitor.stop(STOP_TIMEOUT_S)

    async def reload(self) -> None:
        """Read the settings again and change over; a mistake in them leaves everything as it was."""
        try:
            settings = load_settings(self._settings_file)
            sampling = self._sampling(settings)
            await self.monitor.reconfigure(
                settings.monitoring, lambda: store_from(settings.monitoring, embedded=True)
            )
        except TsmonError as error:
            _log.error("the settings were not reloaded, the old ones stay: %s", error)
            return
        web_changed = settings.web != self.settings.web
        self.settings = settings
        self.sampling.stop()
        self.sampling = sampling
        self.sampling.start()
        if web_changed:
            await self._restart_web()
        _log.info("the settings were reloaded")

    def emit(self, point: Point) -> None:
        """Hand a point to the Monitor of the moment."""
        self.monitor.emit(point)

    def _sampling(self, settings: Settings) -> Sampling:
        return Sampling(
            samplers_from(settings.agent),
            self.emit,
            self.live,
            host=settings.agent.host,
            time_limit_s=settings.agent.time_limit,
        )

    async def _start_web(self) -> None:
        if self.settings.web.enabled:
            from tsmon_agent.web import WebServer

            web = WebServer(self, self.settings.web)
            await web.start()
            self._web = web

    async def _restart_web(self) -> None:
        if self._web is not None:
            await self._web.stop()
            self._web = None
        try:
            await self._start_web()
        except TsmonError as error:
            _log.error("the pages are off: %s", error)

    def _emit_pipeline(self) -> None:
        counts = self.monitor.counts
        self.emit(
            Pipeline(
                host=self.settings.agent.host,
                accepted=counts.accepted,
                written=counts.written,
                pending=counts.pending,
                dropped=counts.dropped,
                refused=counts.refused,
                nonfinite_fields=counts.nonfinite_fields,
            )
        )

    async def _apply_retention(self) -> None:
        days = self.settings.monitoring.retention_days
        if not days or "tsmon.stores.sqlite" not in sys.modules:
            return
        from tsmon.stores.sqlite import SqliteStore

        if isinstance(self.store, SqliteStore):
            try:
                await self.store.apply_retention(round(timedelta(days=days) / timedelta(microseconds=1)) * 1_000)
            except TsmonError as error:
                _log.warning("old data were not removed: %s", error)
