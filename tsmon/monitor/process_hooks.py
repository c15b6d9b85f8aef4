"""Monitors and the life of their process: forks and exits that nobody told them of."""

import atexit
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

__all__ = ["remember"]

FORKING_MODULES: Final = ("multiprocessing.util", "billiard.util")
"""Modules whose children end by ``os._exit``, past atexit, but call finalizers of their own."""

EXIT_PRIORITY: Final = 0


class Remembered(Protocol):
    """What a Monitor offers to this module."""

    def after_fork(self) -> None: ...
    def at_exit(self) -> None: ...


_monitors: "weakref.WeakSet[Any]" = weakref.WeakSet()
_finalized: set[str] = set()


def remember(monitor: Remembered) -> None:
    """Tell ``monitor`` of forks, in the child, and of the exit, as long as it lives."""
    _monitors.add(monitor)
    # A child of multiprocessing's fork server may have imported us after its fork.
    for name in FORKING_MODULES:
        if (module := sys.modules.get(name)) is not None and name not in _finalized:
            _finalized.add(name)
            _finalize_by(module)(None)


def _after_fork_in_child() -> None:
    for monitor in list(_monitors):
        monitor.after_fork()
    for name in FORKING_MODULES:
        if (module := sys.modules.get(name)) is not None and _monitors:
            module.register_after_fork(_at_exit, _finalize_by(module))
    # Celery's processes end past all of that, but say so before.
    if (signals := sys.modules.get("celery.signals")) is not None and _monitors:
        signals.worker_process_shutdown.connect(_at_celery_exit, weak=False, dispatch_uid="tsmon")


def _finalize_by(module: Any) -> Callable[[Any], None]:
    def register(_: Any) -> None:
        module.Finalize(None, _at_exit, exitpriority=EXIT_PRIORITY)

    return register


def _at_exit() -> None:
    for monitor in list(_monitors):
        monitor.at_exit()


def _at_celery_exit(**_: Any) -> None:
    _at_exit()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
