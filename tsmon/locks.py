"""Locks and exceptions that come from outside: from a signal handler, for example.

Python runs signal handlers between bytecodes, where calls return and loops repeat. So an exception of a handler may
come between ``lock.acquire()`` and the ``try`` after it; then nobody releases the lock. ``with lock`` has no such
gap: the lock is acquired by the instruction that begins the block. (``threading.Condition``, ``Event`` and
``concurrent.futures.Future`` have that gap inside, so no thread waits for one that may be interrupted.)
"""

import threading
from functools import partial
from typing import Any

__all__ = ["Attempt"]


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
