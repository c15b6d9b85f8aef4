"""The second life of a Monitor: a test sees it start, take points and stop, while its own life stands still."""

import asyncio
from copy import copy
from functools import partial
from typing import Any, Final

from tsmon.delivery.buffer import Buffer
from tsmon.integrations.field_kinds import field_kinds_of
from tsmon.integrations.lifetime import exchange_users
from tsmon.integrations.recorder import RequestRecorder
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor import Monitor, pipeline
from tsmon.monitor.background import BackgroundMonitor
from tsmon.monitor.from_settings import build_encoding
from tsmon.monitor.lifecycle import Phase
from tsmon.monitor.patient_start import start_patiently
from tsmon.monitor.series_guard import SeriesGuard
from tsmon.monitor.source import Source
from tsmon.stores import Store
from tsmon.testing.emitted_points import EmittedPoints
from tsmon.testing.recording import RecordingBuffer
from tsmon.work import InProgressCounter

__all__ = ["SecondLife", "set_showing"]

EXCHANGED: Final = (
    # In this order afterwards: a line that is encoded for the test may go to the own buffer, but never vice versa.
    "_buffer",
    "_seal",
    "_pipeline",
    "_lifecycle",
    "_functions",
    "_encoding",
    "_settings",
    "_raise_invalid",
    "_refusals",
    "_guard",
    "_background",
    "_forked",
)
"""Attributes of a Monitor that belong to one life. Those that it keeps are its clock and its sources."""


class SecondLife:
    """Exchanges what is inside ``monitor`` from the construction to :meth:`end`; then all is as before.

    References to the Monitor, its ``emit`` and its blocking face stay valid. The second life is new, or runs if the
    own one does: on the same event loop, or on a thread of its own. The own life keeps its loop, thread and
    connections; it sends nothing and collects nothing meanwhile.
    """

    def __init__(
        self,
        monitor: Monitor,
        store: Store,
        listeners: list[EmittedPoints],
        background: BackgroundMonitor | None = None,
    ) -> None:
        self._monitor = monitor
        self._listeners = listeners
        self._is_forked = False
        self._own = {name: vars(monitor)[name] for name in EXCHANGED}
        self._self_metrics = dict(vars(monitor._self_metrics))
        self._lifecycle, self._pipeline = monitor._lifecycle, monitor._pipeline
        self._continue_in_thread = self._lifecycle._continue_in_thread
        self._collect = self._pipeline._collect
        self._users = exchange_users(monitor)
        self._hold_still()
        self._kinds = field_kinds_of(monitor._clock).exchange()
        self._reported = [
            (source, source._reported)
            for source in monitor._sources._sources
            if isinstance(source, InProgressCounter)
        ]
        self._switched_on = [
            source
            for source in monitor._sources._sources
            if isinstance(source, RequestRecorder) and not source.enabled
        ]
        self._own_background = monitor._background
        self._background_parts = None if self._own_background is None else dict(vars(self._own_background))
        self._was_in_thread = self._own_background is not None and self._own_background.is_running
        try:
            self._begin(store)
            self._run(background)
        except BaseException:
            self.end()
            raise

    @property
    def monitor(self) -> Monitor:
        """The Monitor that leads it."""
        return self._monitor

    def end(self) -> BackgroundMonitor | None:
        """Return to the own life; returns the blocking face that the test has started and not stopped."""
        monitor, background = self._monitor, self._monitor._background
        lifecycle, pipeline = monitor._lifecycle, monitor._pipeline
        if not lifecycle.drops_points:
            monitor._sources.collect()
        lifecycle._watch.end()
        pipeline._schedule.stop()
        if background is None or not background.is_running:
            background = None
        stopping = copy(background)
        if background is not None:
            background._detach()
        if not self._is_forked:
            # First of all, so that no point of another thread meets a Monitor that stops.
            vars(monitor).update(self._own)
            self._restore_sources()
            exchange_users(monitor, self._users)
            field_kinds_of(monitor._clock).exchange(self._kinds)
            self._continue()
        if stopping is not None:
            lifecycle._refuse_points = _do_nothing
            stopping._monitor = lifecycle  # type: ignore[assignment]
            stopping.stop()
        return None if self._was_in_thread else background

    def forget_after_fork(self) -> None:
        """In a forked child: the own life is the parent's; the child stays in the second one."""
        self._is_forked = True
        self._lifecycle.forget_after_fork()
        self._pipeline.forget_after_fork()

    def _hold_still(self) -> None:
        """Let the own life collect once more, and then neither collect nor send."""
        self._pipeline._collect = _do_nothing
        self._pipeline._delivery._paused = True
        self._lifecycle._continue_in_thread = _do_nothing
        if not self._lifecycle.drops_points:
            self._monitor._sources.collect()

    def _begin(self, store: Store) -> None:
        monitor, settings = self._monitor, self._monitor._settings
        if not settings.enabled:
            settings = settings.model_copy(update={"enabled": True})
        monitor._settings = settings
        monitor._refusals = RateLimitedLog()
        monitor._guard = SeriesGuard(settings.series_limit)
        monitor._encoding = build_encoding(settings, monitor._service, monitor._clock, monitor._guard)
        monitor._functions = monitor._encoding.encoders
        vars(pipeline)["Buffer"] = partial(RecordingBuffer, self._listeners)
        try:
            monitor._begin(store)
        finally:
            vars(pipeline)["Buffer"] = Buffer
        monitor._self_metrics.set_period(settings.self_metrics_period)
        monitor._sources.hold_nothing()
        for source in monitor._sources._sources:
            set_showing(source, True)
        for recorder in self._switched_on:
            recorder.enabled = True

    def _run(self, background: BackgroundMonitor | None) -> None:
        monitor, own = self._monitor, self._own_background
        if own is not None and self._was_in_thread:
            own._detach()
            own.start()
        elif self._lifecycle.phase is Phase.RUNNING:
            monitor._pipeline.loop.bind(self._pipeline.loop.bound)
            monitor._lifecycle.phase = Phase.RUNNING
        elif background is not None:
            monitor._background = background
            background.start()

    def _restore_sources(self) -> None:
        vars(self._monitor._self_metrics).update(self._self_metrics)
        for source in self._monitor._sources._sources:
            set_showing(source, False)
        if not self._lifecycle.drops_points:
            # Not hold_again(), which does nothing during a capture.
            self._monitor._sources._call_all("hold_again")
        for counter, reported in self._reported:
            counter._reported = reported
        for recorder in self._switched_on:
            recorder.enabled = False
        own, parts = self._own_background, self._background_parts
        if own is not None and parts is not None:
            vars(own).update(parts)

    def _continue(self) -> None:
        lifecycle = self._lifecycle
        self._pipeline._collect = self._collect
        self._pipeline._delivery._paused = False
        lifecycle._continue_in_thread = self._continue_in_thread
        if lifecycle.phase is Phase.RUNNING and self._pipeline.loop.bound is None:
            self._pipeline.loop.bind(self._continue_in_thread())  # Its event loop has ended meanwhile.
        own = self._own_background
        if self._was_in_thread and lifecycle.phase is Phase.NEW and own is not None and own._loop is not None:
            # It was being started again and again; that has ended with a start of the second life.
            asyncio.run_coroutine_threadsafe(start_patiently(self._monitor, _do_nothing), own._loop)


def set_showing(source: Source, shows: bool) -> None:
    """Let a test see the end of a response, which test clients do not read to its end."""
    if isinstance(source, RequestRecorder):
        source.ends_with_last_part = shows


def _do_nothing() -> Any:
    return None
