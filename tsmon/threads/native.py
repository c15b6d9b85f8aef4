"""Threads and locks of the operating system, also where gevent has replaced Python's by greenlets.

``gevent.monkey`` may patch the modules at any time, before or after ours are imported. So everything is looked up
when it is needed.
"""

import importlib
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _thread import LockType

__all__ = [
    "NativeThread",
    "create_lock",
    "find_original",
    "has_only_green_threads",
    "is_our_thread",
    "is_patched",
    "start_thread",
]

PATCHED: Final = ("threading", "_thread", "socket", "select", "selectors")
"""Modules of which a patched one makes an event loop in a thread differ from a normal one."""


def is_patched() -> bool:
    """Whether gevent has replaced what threads and event loops are made of."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and any(map(monkey.is_module_patched, PATCHED))


def has_only_green_threads() -> bool:
    """Whether eventlet has replaced threads, without a way to real ones."""
    patcher = sys.modules.get("eventlet.patcher")
    return patcher is not None and bool(patcher.is_monkey_patched("thread"))


def find_original(module: str, name: str) -> Any:
    """What ``module.name`` is without gevent."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return getattr(importlib.import_module(module), name)
    return monkey.get_original(module, name)


def create_lock() -> "LockType":
    """A lock that real threads and greenlets may share; nothing that waits may be done while it is held."""
    lock: LockType = find_original("_thread", "allocate_lock")()
    return lock


_running: set[int] = set()


class NativeThread:
    """A daemon thread of the operating system that gevent does not know."""

    def __init__(self, target: Callable[[], object], name: str) -> None:
        self._target = target
        self._name = name
        self.is_alive = True
        """Whether it runs."""
        find_original("_thread", "start_new_thread")(self._run, ())

    def _run(self) -> None:
        try:
            threading.current_thread().name = self._name
            _run_as_ours(self._target)
        finally:
            _destroy_hub()
            self.is_alive = False


def start_thread(target: Callable[[], object], name: str) -> "NativeThread | threading.Thread":
    """Run ``target`` in a daemon thread; raises :class:`RuntimeError` while the interpreter exits."""
    if is_patched():
        return NativeThread(target, name)
    thread = threading.Thread(target=_run_as_ours, args=(target,), name=name, daemon=True)
    thread.start()
    return thread


def is_our_thread() -> bool:
    """Whether the caller runs in a thread of :func:`start_thread`."""
    return bool(_running) and find_original("_thread", "get_ident")() in _running


def _run_as_ours(target: Callable[[], object]) -> None:
    number = find_original("_thread", "get_ident")()
    _running.add(number)
    try:
        target()
    finally:
        _running.discard(number)


def _destroy_hub() -> None:
    """Release the hub that gevent's sockets have created in this thread."""
    if (gevent := sys.modules.get("gevent")) is not None:
        gevent.get_hub().destroy(destroy_loop=True)
