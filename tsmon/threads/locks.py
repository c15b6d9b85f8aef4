"""Locks and exceptions that come from outside: from a signal handler, for example.

Python runs signal handlers between bytecodes, where calls return and loops repeat. So an exception of a handler may
come between ``lock.acquire()`` and the ``try`` after it; then nobody releases the lock. ``with lock`` has no such
gap: the lock is acquired by the instruction that begins the block. (``threading.Condition``, ``Event`` and
``concurrent.futures.Future`` have that gap inside, so no thread waits for one that may be interrupted.)
"""

import signal
import threading
from functools import partial
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

__all__ = ["Attempt", "raise_interruption"]


class Attempt:
    """Tries to acquire a lock without waiting for it, and cannot be interrupted in between.

    ::

        acquired = False
        try:
            with attempt as acquired:
                if acquired:
                    ...
        finally:
            if acquired:
                lock.release()

    ``with`` calls what is under ``__enter__``, a function in C, and stores its result before any handler can run.
    """

    __slots__ = ("__enter__",)

    __enter__: "partial[bool]"

    def __init__(self, lock: threading.Lock) -> None:
        self.__enter__ = partial(lock.acquire, False)

    def __exit__(self, *_: Any) -> None:
        """Leave the lock to the caller, since it may not have been acquired."""


def raise_interruption(error: BaseException) -> None:
    """Raise ``error`` again if a signal handler of the program raised it, as Celery does when time is up.

    For handlers of exceptions that keep failures of telemetry, and of what it calls, from the program: what the
    program has raised for itself at that moment must reach it. A handler is known by its call, with the frame that
    called it as its second argument, or because it is installed. An exception that another thread has set by
    ``PyThreadState_SetAsyncExc`` has no such mark.
    """
    trace = error.__traceback__
    installed: set[CodeType] | None = None
    while trace is not None and (inner := trace.tb_next) is not None:
        if _has_argument(inner.tb_frame, trace.tb_frame):
            raise error
        if installed is None:
            installed = _installed_handlers()
        if inner.tb_frame.f_code in installed:
            raise error
        trace = inner


def _has_argument(called: FrameType, caller: FrameType) -> bool:
    """Whether a function was called as signal handlers are: with a number and the frame that was interrupted."""
    code = called.f_code
    is_variadic = bool(code.co_flags & 4)
    count = code.co_argcount + is_variadic + code.co_kwonlyargcount
    if count == 0:
        return False
    local = called.f_locals
    arguments: list[Any] = [local.get(name) for name in code.co_varnames[: code.co_argcount]]
    if is_variadic:
        arguments.extend(local.get(code.co_varnames[count - 1]) or ())
    return any(second is caller and isinstance(first, int) for first, second in pairwise(arguments))


def _installed_handlers() -> set[CodeType]:
    """The code of the handlers that are installed now; one may have forgotten the frame."""
    found = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        while isinstance(handler, partial):
            handler = handler.func
        handler = getattr(handler, "__func__", handler)
        function = handler if hasattr(handler, "__code__") else vars(type(handler)).get("__call__")
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType):
            found.add(code)
    return found
