"""Work for threads while the interpreter exits, when no thread can be started any more."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from tsmon.threads.native import is_patched
from tsmon.threads.native_pool import NativePool
from tsmon.threads.waiting import NativeFuture

__all__ = ["ExitExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class ExitExecutor(ThreadPoolExecutor):
    """A thread pool that runs work on the caller's thread when threads cannot be started any more.

    So a last flush in ``atexit`` can look up a host name, and write to the spool and the embedded store.
    """

    _native: NativePool | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See :meth:`concurrent.futures.Executor.submit`."""
        future = NativeFuture[T]()
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
            if is_patched():
                self._find_native_pool().submit(run)
            else:
                super().submit(run)
        except RuntimeError:
            run()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See :meth:`concurrent.futures.Executor.shutdown`; native threads are not waited for."""
        if self._native is not None:
            self._native.shutdown()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _find_native_pool(self) -> NativePool:
        if self._native is None:
            self._native = NativePool(self._max_workers, self._thread_name_prefix or "tsmon")
        return self._native
