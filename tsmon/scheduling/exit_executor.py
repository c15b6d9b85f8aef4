"""Work for threads while the interpreter exits, when no thread can be started any more."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["ExitExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class ExitExecutor(ThreadPoolExecutor):
    """A thread pool that runs work on the caller's thread when threads cannot be started any more.

    So a last flush in ``atexit`` can look up a host name, and write to the spool and the embedded store.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See :meth:`concurrent.futures.Executor.submit`."""
        future: Future[T] = Future()
        # A pool that cannot start a thread says so after it has queued the work, which another thread may take.
        unclaimed = deque([None])

        def run() -> None:
            try:
                unclaimed.pop()
            except IndexError:
                return
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            super().submit(run)
        except RuntimeError:
            run()
        return future
