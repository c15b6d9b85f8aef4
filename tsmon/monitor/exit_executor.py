"""Work for threads while the interpreter exits, when no thread can be started any more."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["ExitExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class ExitExecutor(ThreadPoolExecutor):
    """A thread pool that runs work on the caller's thread when threads cannot be started any more.

    So a last flush in ``atexit`` can look up a host name and write to the spool.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See :meth:`concurrent.futures.Executor.submit`."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            future: Future[T] = Future()
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
            return future
