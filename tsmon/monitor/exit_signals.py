"""Signals that end the process at once, without ``atexit``: what waits is written before.

A handler of the program or of its server is never replaced, nor is a signal that is ignored. Where there is none,
the signal keeps its meaning: it ends the process, but not before the Monitors are stopped. A second one ends it at
once.

A handler in Python would run on the main thread only, and not while that is in C, so a process could survive its
signal. Therefore the one of faulthandler is used, which is written in C. It writes to a pipe, and a thread waits
there. To Python the signal still has no handler, so the program can set one at any time. (While a function in C
keeps Python's lock, all threads wait for its end, ours too.)

``signal.signal`` replaces that one too. Programs set the default again when their own handler is no longer needed,
many of them inside it, to end by the signal after all; therefore that call is followed.
"""

import _thread
import contextlib
import faulthandler
import functools
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from tsmon.monitor import process_hooks
from tsmon.threads.native import find_original, has_only_green_threads

__all__ = ["flush_at_signals", "restore_signals"]

SIGNALS: Final = tuple(
    number for name in ("SIGTERM", "SIGHUP", "SIGINT") if (number := getattr(signal, name, None)) is not None
)

_following: list[bool] = []
"""Not empty while signals without a handler are ours in this process."""
_pipes: dict[int, tuple[int, int]] = {}
"""The pipe of each signal that was registered in this process."""
_received: list[int] = []
"""The signal by which the process ends."""
_masks: "dict[int, set[int]]" = {}
"""What each thread that is forking had blocked before."""


def flush_at_signals() -> None:
    """From now on, write what waits before a signal ends the process; from any thread. Idempotent."""
    if sys.platform == "win32" or has_only_green_threads():
        return  # Greenlets cannot wait for a pipe.
    _follow_defaults()
    _following[:] = [True]
    for number in SIGNALS:
        if _is_default(number):
            with contextlib.suppress(RuntimeError, OSError, ValueError):
                _register(number)


def restore_signals() -> None:
    """From now on, signals end the process at once; one that came meanwhile does so now."""
    _following.clear()
    for number in list(_pipes):
        _unregister(number)
    for number in _received:
        os.kill(os.getpid(), number)


def _follow_defaults() -> None:
    """Learn when the program gives a signal its default. Idempotent."""
    module: Any = sys.modules["_signal"]  # What ``signal.signal`` calls, however the program has imported that.
    set_handler = module.signal
    if hasattr(set_handler, "flushes_tsmon"):
        return

    @functools.wraps(set_handler)
    def set_and_follow(number: int, handler: Any, /) -> Any:
        before = set_handler(number, handler)
        is_default = isinstance(handler, int) and handler == signal.SIG_DFL
        if is_default and _following and number in SIGNALS and number not in _received:
            with contextlib.suppress(RuntimeError, OSError, ValueError):
                _register(number)
        return before

    set_and_follow.flushes_tsmon = True  # type: ignore[attr-defined]
    module.signal = set_and_follow


def _register(number: int) -> None:
    if number in _pipes:
        # The program has had a handler of its own, and faulthandler does not know that it was replaced.
        faulthandler.unregister(number)
    else:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            find_original("_thread", "start_new_thread")(_wait, (number, reading))
        except RuntimeError:
            os.close(reading)
            os.close(writing)
            raise
        _pipes[number] = reading, writing
    # Of all threads, because nothing would be written by one that is just being created, if it gets the signal.
    faulthandler.register(number, file=_pipes[number][1], all_threads=True, chain=False)


def _unregister(number: int) -> None:
    """Give the signal back its default, unless the program has set a handler since."""
    if signal.getsignal(number) is signal.SIG_DFL:
        faulthandler.unregister(number)


def _close(number: int) -> None:
    for descriptor in _pipes.pop(number):
        os.close(descriptor)


def _wait(number: int, reading: int) -> None:
    while os.read(reading, 65_536):
        # Otherwise the program has set a handler a moment ago; then this signal is its own.
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.unregister(number)
            _received.append(number)
            try:
                process_hooks.run_exit()
            finally:
                os.kill(os.getpid(), number)


def _is_default(number: int) -> bool:
    """Whether the signal ends the process: no handler of Python's, nor one of a library written in C."""
    if signal.getsignal(number) is not signal.SIG_DFL:
        return False
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        caught = next(line for line in lines if line.startswith("SigCgt:"))
        return not int(caught.split()[1], 16) >> (number - 1) & 1
    return True


def _before_fork() -> None:
    # A signal must not reach a child that still writes to the pipe of its parent.
    if _pipes:
        _masks[_thread.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork_in_parent() -> None:
    if (mask := _masks.pop(_thread.get_ident(), None)) is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    _received.clear()
    restore_signals()
    for number in list(_pipes):
        _close(number)
    _after_fork_in_parent()
    _masks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
process_hooks.call_after_exit(restore_signals)
