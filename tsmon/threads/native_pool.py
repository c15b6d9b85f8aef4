"""A pool of threads of the operating system, where gevent would make a standard one of greenlets."""

from collections.abc import Callable
from typing import Any

from tsmon.threads.log_handover import hand_over_logs
from tsmon.threads.native import create_lock, find_original, start_thread

__all__ = ["NativePool"]


class NativePool:
    """Runs work in at most ``max_workers`` threads, in the order in which it was submitted."""

    def __init__(self, max_workers: int, name: str) -> None:
        self._max_workers = max_workers
        self._name = name
        self._work: Any = find_original("_queue", "SimpleQueue")()
        self._lock = create_lock()
        self._workers = 0
        self._idle = 0
        """Workers that wait for work, minus work that waits for a worker."""
        self._is_shut_down = False

    def submit(self, work: Callable[[], None]) -> None:
        """Call ``work``, which never raises, in a thread; raises :class:`RuntimeError` if none can be started."""
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("the pool is shut down")
            if self._idle <= 0 and self._workers < self._max_workers:
                hand_over_logs()
                start_thread(self._run, f"{self._name}_{self._workers}")
                self._workers += 1
                self._idle += 1
            self._idle -= 1
            self._work.put(work)

    def shutdown(self) -> None:
        """End the threads once they have done what waits."""
        with self._lock:
            self._is_shut_down = True
            for _ in range(self._workers):
                self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work
            with self._lock:
                self._idle += 1
