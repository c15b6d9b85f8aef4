"""The parts of the agent wired together, started and stopped in order."""

import asyncio
import logging
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tsmon import Monitor, TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.points import Point
from tsmon.points.self_metrics import AgentCounts
from tsmon.scheduling.periodic import Periodic
from tsmon.settings import MonitoringSettings
from tsmon.stores.factory import store_from
from tsmon_agent.context import AgentContext
from tsmon_agent.events import EventBus
from tsmon_agent.host.sampling.from_settings import build_samplers
from tsmon_agent.host.sampling.live_feed import LiveFeed
from tsmon_agent.host.sampling.scheduler import Sampling
from tsmon_agent.logging_config import LogConfig
from tsmon_agent.settings import RollupSettings, Settings, WebSettings, load_settings
from tsmon_agent.streams.freshness.rounds import FreshnessRounds
from tsmon_agent.streams.inventory.state_loader import StateLoader
from tsmon_agent.upkeep.influx_rollups import InfluxRollups

if TYPE_CHECKING:
    from tsmon_agent.web import WebServer

__all__ = ["Agent"]

_log = logging.getLogger("tsmon")

STOP_TIMEOUT_S: Final = 10.0
PIPELINE_INTERVAL_S: Final = 10.0
RETENTION_INTERVAL_S: Final = 600.0
ROLLUP_INTERVAL_S: Final = 60.0
TABLES_INTERVAL_S: Final = 60.0
FOR_EVER_DAYS: Final = 100_000.0


class Agent:
    """Samples this host into the configured store, and shows it.

    ``settings_file`` is what SIGHUP reads again; see :func:`tsmon.settings.load_settings`. ``expected`` is a table
    of expected streams in place of the one that the settings name.
    """

    def __init__(
        self, settings: Settings, *, settings_file: Path | None = None, expected: Path | None = None
    ) -> None:
        self._expected = expected
        settings = self._with_expected(settings)
        store = store_from(settings.monitoring, embedded=True, tiers=settings.rollups.effective_tiers)
        monitor = Monitor(_for_agent(settings), store=store)
        live, events = LiveFeed(), EventBus()
        self._configured_state = StateLoader(settings)
        self._log_config = LogConfig()
        self.context = AgentContext(
            settings=settings,
            monitor=monitor,
            state=self._configured_state.state,
            live=live,
            events=events,
            sampling=Sampling(
                build_samplers(settings.agent),
                monitor.emit,
                live,
                host=settings.agent.host,
                time_limit_s=settings.agent.time_limit,
            ),
            freshness=FreshnessRounds(settings.freshness, self._configured_state.state, monitor.emit, events),
            look_at_streams=lambda: self._start_upkeep("freshness"),
        )
        """What the pages use."""
        self._settings_file = settings_file
        self._web: WebServer | None = None
        self._fresh_ticker = Periodic(
            lambda: self._start_upkeep("freshness"), settings.freshness.interval, at_once=True
        )
        self._tickers = (
            Periodic(self._emit_pipeline, PIPELINE_INTERVAL_S, at_once=True),
            Periodic(lambda: self._start_upkeep("retention"), RETENTION_INTERVAL_S, at_once=True),
            Periodic(lambda: self._start_upkeep("rollups"), ROLLUP_INTERVAL_S, at_once=True),
            self._fresh_ticker,
            Periodic(lambda: self._start_upkeep("tables"), TABLES_INTERVAL_S),
        )
        self._influx_rollups: InfluxRollups | None = None
        self._upkeep: dict[str, asyncio.Task[None]] = {}
        self._orders: asyncio.Queue[str] = asyncio.Queue()
        self._limited = RateLimitedLog()

    @property
    def web_address(self) -> str | None:
        """Address of the pages; None where they are off."""
        return self._web.address if self._web is not None else None

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Start, wait for SIGTERM, SIGINT or :meth:`request_stop`, stop; SIGHUP reads the settings again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        loop.add_signal_handler(signal.SIGHUP, self._orders.put_nowait, "reload")
        await self.start()
        try:
            started()
            # One after the other: a reload that is under way ends before the next one, or the stop, begins.
            while await self._orders.get() == "reload":
                await self.reload()
        finally:
            await self.stop()

    def request_stop(self) -> None:
        """Ask :meth:`run` to end."""
        self._orders.put_nowait("stop")

    async def start(self) -> None:
        """Store, state, pages, samplers, in this order; what fails leaves nothing running."""
        self._log_config.apply(self.context.settings.agent.log_config)
        await self.context.monitor.start()
        try:
            await self._configured_state.start()
            try:
                self._web = await self._started_web(self.context.settings.web)
            except BaseException:
                await self._configured_state.stop()
                raise
        except BaseException:
            await self.context.monitor.stop(0)
            raise
        self.context.sampling.start()
        for ticker in self._tickers:
            ticker.start()

    async def stop(self) -> None:
        """Samplers, pages, state, and last the store, with the last points in it."""
        for ticker in self._tickers:
            ticker.stop()
        self.context.sampling.stop()
        for task in self._upkeep.values():
            task.cancel()
        web, self._web = self._web, None
        try:
            if web is not None:
                await web.stop()
            await self._configured_state.stop()
        finally:
            await self.context.monitor.stop(STOP_TIMEOUT_S)

    async def reload(self) -> None:
        """Read the settings again and change over; a mistake in them leaves everything as it was."""
        try:
            settings = self._with_expected(load_settings(self._settings_file))
            self._log_config.apply(settings.agent.log_config)
            try:
                await self._change_over(settings)
            except BaseException:
                self._log_config.apply(self.context.settings.agent.log_config)
                raise
        except TsmonError as error:
            _log.error("the settings were not reloaded, the old ones stay: %s", error)
        except Exception:
            _log.exception("the settings were not reloaded, the old ones stay")
        else:
            _log.info("the settings were reloaded; points go into %s", self.context.store)

    async def _change_over(self, settings: Settings) -> None:
        samplers = build_samplers(settings.agent)
        state = StateLoader(settings, self._configured_state)
        await state.start()
        before = self.context.settings.web
        try:
            await self._change_web(before, settings.web)
            try:
                await self.context.monitor.reconfigure(
                    _for_agent(settings),
                    lambda: store_from(settings.monitoring, embedded=True, tiers=settings.rollups.effective_tiers),
                )
            except BaseException:
                await self._change_web(settings.web, before)
                raise
        except BaseException:
            await state.stop(self._configured_state)
            raise
        state, self._configured_state = self._configured_state, state
        self.context.state = self._configured_state.state
        await state.stop(self._configured_state)
        await self._change_tiers(settings.rollups)
        self.context.settings = settings
        self.context.freshness.reconfigure(settings.freshness, self.context.state)
        self._fresh_ticker.change(settings.freshness.interval)
        self.context.sampling.reconfigure(
            samplers, host=settings.agent.host, time_limit_s=settings.agent.time_limit
        )

    def _with_expected(self, settings: Settings) -> Settings:
        if self._expected is None:
            return settings
        streams = settings.streams.model_copy(update={"expected": self._expected})
        return settings.model_copy(update={"streams": streams})

    async def _change_tiers(self, settings: RollupSettings) -> None:
        store = self.context.store
        if settings != self.context.settings.rollups and not self.context.settings.monitoring.server_set:
            from tsmon.stores.sqlite import SqliteStore

            if isinstance(store, SqliteStore):
                await store.change_tiers(settings.effective_tiers)

    async def _change_web(self, before: WebSettings, after: WebSettings) -> None:
        """Show the pages as ``after`` says; where that is impossible, as before."""
        if after == before:
            if self._web is not None:
                self._web.reload_certificate()
            return
        if self._web is not None:
            await self._web.stop()
        try:
            self._web = await self._started_web(after)
        except BaseException:
            self._web = await self._started_web(before)
            raise

    async def _started_web(self, settings: WebSettings) -> "WebServer | None":
        if not settings.enabled:
            return None
        from tsmon_agent.web import WebServer

        web = WebServer(self.context, settings)
        await web.start()
        return web

    def _emit_pipeline(self) -> None:
        counts = self.context.monitor.counts
        self._emit(AgentCounts.from_counts(counts, host=self.context.settings.agent.host))

    def _emit(self, point: Point) -> None:
        try:
            self.context.monitor.emit(point)
        except TsmonError as error:
            self._limited.warning("pipeline", f"the agent cannot tell how it does: {error}")

    def _start_upkeep(self, name: str) -> None:
        """Look after the embedded file, unless that is still going on."""
        if name not in self._upkeep or self._upkeep[name].done():
            self._upkeep[name] = asyncio.get_running_loop().create_task(self._look_after(name))

    async def _look_after(self, name: str) -> None:
        if name == "tables":
            await self._configured_state.load_tables()
            return
        if name == "freshness":
            await self.context.freshness.run_round(self.context.store)
            return
        from tsmon.stores.influxdb import InfluxStore
        from tsmon.stores.sqlite import SqliteStore

        store = self.context.store
        try:
            if isinstance(store, InfluxStore) and name == "rollups" and self.context.settings.rollups.enabled:
                if self._influx_rollups is None or self._influx_rollups.store is not store:
                    self._influx_rollups = InfluxRollups(store)
                await self._influx_rollups.keep_up(self.context.settings.rollups)
            elif not isinstance(store, SqliteStore):
                return
            elif name == "rollups":
                await store.refresh_rollups()
            else:
                days = self.context.settings.monitoring.retention_days
                keep = (
                    timedelta(days=days) // timedelta(microseconds=1) * 1_000 if 0 < days < FOR_EVER_DAYS else None
                )
                await store.apply_retention(keep)
        except TsmonError as error:
            self._limited.warning(name, f"the {name} of the store did not work: {error}")


def _for_agent(settings: Settings) -> MonitoringSettings:
    """Settings of the agent's Monitor.

    A sampler that gives nonsense is told of, whatever a library's user would rather have; what a library tells of
    itself, the agent does at its own interval. And a timer that fires
    each second for nothing would cost as much as sampling every ten seconds does: unless the period was chosen,
    points wait half an interval.
    """
    changes: dict[str, object] = {"on_invalid": "raise", "self_metrics_period": 0.0}
    if "flushing_period" not in settings.monitoring.model_fields_set:
        shortest = min((settings.agent.interval_of(name) for name in settings.agent.samplers), default=0.0)
        changes["flushing_period"] = max(settings.monitoring.flushing_period, shortest / 2)
    return settings.monitoring.model_copy(update=changes)
