"""Times and counts of the current work, as context managers and decorators."""

from contextlib import nullcontext
from types import TracebackType
from typing import Any, Final

from tsmon.work.decorating import Decorated, check_name, run_within
from tsmon.work.timing import Timing
from tsmon.work.work_data import WorkData, current_work

__all__ = ["count_exceptions", "timed"]

NOTHING: Final = nullcontext()


class timed:  # noqa: N801
    """Add the elapsed seconds to a field of the current work: context manager, sync or async, and decorator.

    ::

        with timed("match_time") as timing:
            match()
        print(timing.elapsed_s)

    Runs under one field add up, also those that fail, and those side by side in tasks and threads. Where a run is
    within another one of the same field and work, by recursion for example, only the time of the outer one counts.

    As a decorator it times functions, methods and coroutines, and what a function returns to be awaited, to the
    end. Of a generator, asynchronous or not, it times what runs in it, from each ``next`` to the ``yield``, and not
    what its consumer does in between; each step counts in the work that is current then.

    What a function returns to be used in other ways is returned as it is, and the call is timed: iterators that are
    no generators, and context managers that may also be awaited, such as that of aiohttp's ``session.get()``.

    An object may be used many times, also within itself and by several threads and tasks.
    """

    __slots__ = ("_data", "_field", "_latest")

    def __init__(self, field: str, data: WorkData | None = None) -> None:
        if type(field) is not str or not field:
            check_name("timed", field)
        self._field = field
        self._data = data
        self._latest: Timing | None = None

    def __enter__(self) -> Timing:
        """Start the clock."""
        data = self._data
        self._latest = timing = Timing.begin(self, self._field, current_work() if data is None else data)
        return timing

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        Timing.end(self, self._latest)

    async def __aenter__(self) -> Timing:
        """Start the clock."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        Timing.end(self, self._latest)

    def __call__(self, function: Decorated) -> Decorated:
        """Time every call of a function."""
        field, data = self._field, self._data

        def make_context() -> Any:
            return NOTHING if data is None and current_work() is None else timed(field, data)

        return run_within(f"timed({field!r})", make_context, function, each_step=True)


class count_exceptions:  # noqa: N801
    """Add 1 to a field of the current work for each exception that passes: context manager and decorator.

    ``of`` names the exceptions that count; cancellation and exits do not count unless they are named.
    """

    __slots__ = ("_data", "_field", "_of")

    def __init__(
        self,
        field: str,
        of: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        data: WorkData | None = None,
    ) -> None:
        check_name("count_exceptions", field)
        self._field = field
        self._of = of
        self._data = data

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count the exception, if there is one."""
        data = self._data or current_work()
        if data is not None and isinstance(error, self._of):
            data.add(self._field, 1)

    async def __aenter__(self) -> None:
        """Enter."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count the exception, if there is one."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: Decorated) -> Decorated:
        """Count the exceptions of every call of a function, coroutine or generator."""
        return run_within(f"count_exceptions({self._field!r})", lambda: self, function)
