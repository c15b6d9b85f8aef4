"""Hooks of the process: Monitors learn of forks and exits, however those come about."""

import atexit
import logging
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

from tsmon.logs.error_texts import describe_error

__all__ = ["call_after_exit", "is_worker", "list_monitors", "register", "run_exit"]

FORKING_MODULES: Final = ("multiprocessing.util", "billiard.util")
"""Modules whose child processes end by ``os._exit``, without atexit, but call finalizers of their own."""

EXIT_PRIORITY: Final = 0

_log = logging.getLogger("tsmon")

EXIT_INTERVAL_S: Final = 0.000_1
"""How long a thread may keep Python's lock at the exit."""


class Hooked(Protocol):
    """What this module calls."""

    def after_fork(self) -> None: ...
    def at_exit(self) -> None: ...


_monitors: "weakref.WeakSet[Any]" = weakref.WeakSet()
_finalized: set[str] = set()
_after_exit: list[Callable[[], None]] = []


def register(monitor: Hooked) -> None:
    """As long as ``monitor`` exists, call its methods after a fork, in the child, and at the exit."""
    _monitors.add(monitor)
    # A child of multiprocessing's fork server may have imported us after its fork.
    for name in FORKING_MODULES:
        if (module := sys.modules.get(name)) is not None and name not in _finalized:
            _finalized.add(name)
            _register_finalizer(module)


def _after_fork_in_child() -> None:
    for monitor in list(_monitors):
        monitor.after_fork()
    for name in FORKING_MODULES:
        if (module := sys.modules.get(name)) is not None and _monitors:
            _register_finalizer(module)
    # Celery's processes end without any of that, but send a signal first.
    if (signals := sys.modules.get("celery.signals")) is not None and _monitors:
        signals.worker_process_shutdown.connect(_at_celery_exit, weak=False, dispatch_uid="tsmon")


def _register_finalizer(module: Any) -> None:
    """Register the exit with ``module``: now, and again when a process that begins has forgotten that."""

    def register_finalizer(_: Any) -> None:
        module.Finalize(None, run_exit, exitpriority=EXIT_PRIORITY)

    register_finalizer(None)
    module.register_after_fork(run_exit, register_finalizer)


def is_worker() -> bool:
    """Whether this is a child process of multiprocessing, such as a worker of a Pool or of uvicorn.

    If it ended at its import, its parent would start another one for ever.
    """
    module = sys.modules.get("multiprocessing.process")
    if module is None:
        return False
    # While a spawned child imports the program, only the second is true.
    return module.parent_process() is not None or hasattr(module.current_process(), "_inheriting")


def list_monitors() -> list[Any]:
    """All Monitors that exist."""
    return list(_monitors)


def call_after_exit(function: Callable[[], None]) -> None:
    """Call ``function`` after the Monitors are stopped at the interpreter's exit."""
    _after_exit.append(function)


def run_exit() -> None:
    """Stop all Monitors, because the process ends."""
    # A thread that never waits would keep Python's lock from the disk's thread at each call of SQLite.
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(min(interval_s, EXIT_INTERVAL_S))
    try:
        for monitor in list(_monitors):
            try:
                monitor.at_exit()
            except Exception as error:
                _log.error("a Monitor could not be stopped at the exit: %s", describe_error(error))
    finally:
        sys.setswitchinterval(interval_s)


def _at_exit() -> None:
    run_exit()
    for function in _after_exit:
        function()


def _at_celery_exit(**_: Any) -> None:
    run_exit()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
