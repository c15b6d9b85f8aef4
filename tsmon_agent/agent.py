"""The parts of the agent wired together, started and stopped in order."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tsmon import Monitor, TsmonError
from tsmon.errors import StateUnavailableError
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector, Store
from tsmon.stores.factory import emitting_store_from
from tsmon_agent.context import AgentContext
from tsmon_agent.events import EventBus
from tsmon_agent.host.sampling.from_settings import build_samplers
from tsmon_agent.host.sampling.live_feed import LiveFeed
from tsmon_agent.host.sampling.scheduler import Sampling
from tsmon_agent.logging_config import LogConfig
from tsmon_agent.settings import Settings, WebSettings, load_settings
from tsmon_agent.streams.freshness.rounds import FreshnessRounds
from tsmon_agent.streams.inventory import query_selectors
from tsmon_agent.streams.inventory.state_loader import StateLoader
from tsmon_agent.upkeep import FileWatch, PeriodicRound, SelfMetrics, StoreUpkeep

if TYPE_CHECKING:
    from tsmon_agent.web import WebServer

__all__ = ["Agent"]

_log = logging.getLogger("tsmon")

STOP_TIMEOUT_S: Final = 10.0
TABLES_INTERVAL_S: Final = 60.0


class Agent:
    """Samples this host into the configured store, and serves the pages.

    ``settings_file`` is read again at SIGHUP; see :func:`tsmon.settings.load_settings`. ``expected`` is a table of
    expected streams that replaces the one in the settings.
    """

    def __init__(
        self, settings: Settings, *, settings_file: Path | None = None, expected: Path | None = None
    ) -> None:
        self._expected = expected
        settings = self._with_expected(settings)
        monitor = Monitor(_monitor_settings(settings), store=_build_store(settings))
        live, events = LiveFeed(), EventBus()
        self._state_loader = StateLoader(settings)
        self._log_config = LogConfig()
        self._freshness_round = PeriodicRound(self._run_freshness, settings.freshness.interval, at_once=True)
        self.context = AgentContext(
            settings=settings,
            monitor=monitor,
            state=self._state_loader.state,
            live=live,
            events=events,
            sampling=Sampling(
                build_samplers(settings.agent),
                monitor.emit,
                live,
                host=settings.agent.host,
                time_limit_s=settings.agent.time_limit,
            ),
            freshness=FreshnessRounds(settings.freshness, self._state_loader.state, monitor.emit, events),
            request_freshness_round=self._freshness_round.run_soon,
        )
        """What the pages use."""
        self._settings_file = settings_file
        self._web: WebServer | None = None
        self._upkeep = StoreUpkeep(
            lambda: self.context.store, settings.monitoring, settings.rollups, settings.streams, self._find_streams
        )
        self._periodic: tuple[FileWatch | PeriodicRound | SelfMetrics | StoreUpkeep, ...] = (
            SelfMetrics(monitor, lambda: self.context.settings.agent.host),
            self._upkeep,
            self._freshness_round,
            PeriodicRound(self._load_tables, TABLES_INTERVAL_S),
            FileWatch(
                {"store": self._check_store, "state": self._check_state, "certificate": self._follow_certificate}
            ),
        )
        self._orders: asyncio.Queue[str] = asyncio.Queue()

    @property
    def web_address(self) -> str | None:
        """Address of the pages; None if they are off."""
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
            # In sequence: a reload ends before the next one, or the stop, begins.
            while await self._orders.get() == "reload":
                await self.reload()
        finally:
            await self.stop()

    def request_stop(self) -> None:
        """Ask :meth:`run` to end."""
        self._orders.put_nowait("stop")

    async def start(self) -> None:
        """Start store, state, pages and samplers, in this order; if one fails, nothing keeps running."""
        self._log_config.apply(self.context.settings.agent.log_config)
        await self.context.monitor.start()
        try:
            await self._state_loader.start()
            try:
                await self._upkeep.settle()
                self._web = await self._start_web(self.context.settings.web)
            except BaseException:
                await self._state_loader.stop()
                raise
        except BaseException:
            await self.context.monitor.stop(0)
            raise
        self.context.sampling.start()
        for one in self._periodic:
            one.start()

    async def stop(self) -> None:
        """Stop samplers, pages and state, and last the store, when the last points are stored."""
        for one in self._periodic:
            one.stop()
        self.context.sampling.stop()
        web, self._web = self._web, None
        try:
            if web is not None:
                await web.stop()
            await self._state_loader.stop()
        finally:
            await self.context.monitor.stop(STOP_TIMEOUT_S)

    async def reload(self) -> None:
        """Read the settings again and apply them; a mistake in them leaves everything as it was."""
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
        state = StateLoader(settings, self._state_loader)
        await state.start()
        before = self.context.settings.web
        try:
            await self._change_web(before, settings.web)
            try:
                await self.context.monitor.reconfigure(_monitor_settings(settings), lambda: _build_store(settings))
            except BaseException:
                await self._change_web(settings.web, before)
                raise
        except BaseException:
            await state.stop(self._state_loader)
            raise
        state, self._state_loader = self._state_loader, state
        self.context.state = self._state_loader.state
        await state.stop(self._state_loader)
        await self._upkeep.reconfigure(settings.monitoring, settings.rollups, settings.streams)
        self.context.settings = settings
        self.context.freshness.reconfigure(settings.freshness, self.context.state)
        self._freshness_round.set_period(settings.freshness.interval)
        self.context.sampling.reconfigure(
            samplers, host=settings.agent.host, time_limit_s=settings.agent.time_limit
        )

    def _with_expected(self, settings: Settings) -> Settings:
        if self._expected is None:
            return settings
        streams = settings.streams.model_copy(update={"expected": self._expected})
        return settings.model_copy(update={"streams": streams})

    async def _change_web(self, before: WebSettings, after: WebSettings) -> None:
        """Serve the pages as ``after`` says; if that fails, as before, and raise."""
        if after == before:
            if self._web is not None:
                self._web.reload_certificate()
            return
        if self._web is not None:
            await self._web.stop()
        try:
            self._web = await self._start_web(after)
        except BaseException:
            self._web = await self._start_web(before)
            raise

    async def _start_web(self, settings: WebSettings) -> "WebServer | None":
        if not settings.enabled:
            return None
        from tsmon_agent.web import WebServer

        web = WebServer(self.context, settings)
        await web.start()
        return web

    async def _run_freshness(self) -> None:
        await self.context.freshness.run_round(self.context.store)

    async def _check_store(self) -> None:
        await self.context.store.take_in()

    async def _check_state(self) -> None:
        await self.context.state.verify()

    async def _follow_certificate(self) -> None:
        if self._web is not None:
            await self._web.follow_certificate()

    async def _find_streams(self) -> Sequence[Selector]:
        if self._state_loader.waits:
            raise StateUnavailableError("their tables are not loaded yet")
        return await self.context.state.run(query_selectors)

    async def _load_tables(self) -> None:
        await self._state_loader.load_tables()


def _build_store(settings: Settings) -> Store:
    return emitting_store_from(settings.monitoring, embedded=True, tiers=settings.rollups.effective_tiers)


def _monitor_settings(settings: Settings) -> MonitoringSettings:
    """Settings of the agent's Monitor.

    Invalid points of a sampler are always reported, whatever ``on_invalid`` says. The library's self metrics are
    off, since the agent emits its own. Unless the flushing period is set, points wait half an interval: a timer
    that fires every second for nothing would cost as much as sampling every ten seconds.
    """
    changes: dict[str, object] = {"on_invalid": "raise", "self_metrics_period": 0.0}
    if "flushing_period" not in settings.monitoring.model_fields_set:
        shortest = min((settings.agent.interval_of(name) for name in settings.agent.samplers), default=0.0)
        changes["flushing_period"] = max(settings.monitoring.flushing_period, shortest / 2)
    return settings.monitoring.model_copy(update=changes)
