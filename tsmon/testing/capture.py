"""Capturing the points of all Monitors of the process."""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tsmon.monitor import Monitor, from_settings, process_hooks
from tsmon.monitor.pipeline import Pipeline
from tsmon.monitor.source import Source
from tsmon.monitor.sources import Sources
from tsmon.points import Point
from tsmon.stores import Store, factory
from tsmon.stores.memory import MemoryStore
from tsmon.testing.emitted_points import EmittedPoints
from tsmon.testing.recording import RecordingEncoding
from tsmon.testing.second_life import SecondLife, set_showing

if TYPE_CHECKING:
    from tsmon.monitor.background import BackgroundMonitor

__all__ = ["capture_points"]


@contextmanager
def capture_points(store: Store | None = None) -> Iterator[EmittedPoints]:
    """Capture the points of all Monitors of this process, whenever they were created, even those switched off.

    Meanwhile each begins as new, or runs if it did before, and writes to memory; nothing reaches a server, a file
    or a spool. Afterwards those from before continue as they were, and those created inside keep writing to memory.
    Captures may be nested: each sees what is emitted while it lasts. What child processes emit is not seen, and
    not written either if they were forked.

    ``store`` is written to instead of memory; open it first. A Monitor that is created inside with a
    :class:`MemoryStore` of its own keeps that.
    """
    emitted = EmittedPoints()
    _captures.begin(emitted, store or MemoryStore())
    try:
        yield emitted
    finally:
        _captures.end(emitted)


class _Captures:
    """The captures under way: the first begins the second lives of all Monitors, the last one ends them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._listeners: list[EmittedPoints] = []
        self._stores: list[Store] = []
        self._lives: list[SecondLife] = []
        self._replaced: list[tuple[Any, str, Any]] = []
        self._left_running: weakref.WeakKeyDictionary[Monitor, BackgroundMonitor] = weakref.WeakKeyDictionary()

    def begin(self, emitted: EmittedPoints, store: Store) -> None:
        """Record everything from now on."""
        with self._lock:
            self._listeners.append(emitted)
            self._stores.append(store)
            if len(self._listeners) == 1:
                try:
                    self._replace_parts()
                    for monitor in list(process_hooks._monitors):
                        self._begin_life(monitor, store)
                except BaseException:
                    self.end(emitted)
                    raise

    def end(self, emitted: EmittedPoints) -> None:
        """Record no more for ``emitted``."""
        with self._lock:
            place = next(place for place, one in enumerate(self._listeners) if one is emitted)
            del self._stores[place]
            if self._stores:
                del self._listeners[place]
            else:
                self._end_lives()
                # A thread that is about to emit a point still has the list.
                self._listeners = []

    def end_all(self) -> None:
        """At the exit of the process, if a capture has not ended: then the Monitors' own lives end as always."""
        while self._listeners:
            self.end(self._listeners[-1])

    def forget_after_fork(self) -> None:
        """In a forked child: the own lives are the parent's; the child's Monitors stay in their second ones."""
        self._lock = threading.RLock()
        for life in self._lives:
            life.forget_after_fork()
        self._left_running.clear()

    def _begin_life(self, monitor: Monitor, store: Store) -> None:
        self._lives.append(SecondLife(monitor, store, self._listeners, self._left_running.pop(monitor, None)))

    def _end_lives(self) -> None:
        with ExitStack() as stack:
            # Everything is restored, even if some of that fails.
            for holder, name, part in self._replaced:
                stack.callback(setattr, holder, name, part)
            for life in self._lives:
                stack.callback(self._end_life, life)
            self._replaced, self._lives = [], []

    def _end_life(self, life: SecondLife) -> None:
        background = life.end()
        if background is not None:
            # The program believes that it runs: so it does in the next test.
            self._left_running[life.monitor] = background

    def _replace(self, holder: Any, name: str, part: Any) -> None:
        self._replaced.append((holder, name, getattr(holder, name)))
        setattr(holder, name, part)

    def _replace_parts(self) -> None:
        """Replace what Monitors look up when they are created, started, stopped and reconfigured."""
        self._replace(from_settings, "Encoding", RecordingEncoding)
        self._replace(factory, "store_from", lambda *_, **__: self._stores[-1])
        self._replace(Sources, "add", _add_without_holding(Sources.add))
        self._replace(Sources, "hold_again", _hold_nothing_again)
        self._replace(Pipeline, "change_store", self._change_no_store(Pipeline.change_store))
        self._replace(process_hooks, "register", self._register(process_hooks.register))
        # References to the method of a Monitor that is switched off may be anywhere.
        self._replace(Monitor._ignore, "__code__", _emit_although_switched_off.__code__)

    def _register(self, register: Callable[[Monitor], None]) -> Callable[[Monitor], None]:
        def register_and_capture(monitor: Monitor) -> None:
            register(monitor)
            with self._lock:
                if self._stores:
                    own = monitor.store
                    self._begin_life(monitor, own if isinstance(own, MemoryStore) else self._stores[-1])

        return register_and_capture

    def _change_no_store(self, change: Callable[..., Any]) -> Callable[..., Any]:
        async def change_store(pipeline: Pipeline, settings: Any, store: Store) -> None:
            await change(pipeline, settings, store if isinstance(store, MemoryStore) else self._stores[-1])

        return change_store


def _add_without_holding(add: Callable[[Sources, Source], None]) -> Callable[[Sources, Source], None]:
    def add_without_holding(sources: Sources, source: Source) -> None:
        add(sources, source)
        sources.hold_nothing()
        set_showing(source, True)

    return add_without_holding


def _hold_nothing_again(_: Sources) -> None:
    """Sources emit at once, so that a test sees each point."""


def _emit_although_switched_off(self: Any, point: Point | Iterable[Point]) -> None:
    # Runs with the names of another module: that of the method whose code this becomes.
    if hasattr(self._buffer, "listeners"):
        type(self).emit(self, point)


_captures = _Captures()
atexit.register(_captures.end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_captures.forget_after_fork)
