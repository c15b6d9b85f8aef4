"""Times and counts of the current work, as context managers and decorators."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from tsmon.work.decorating import run_within
from tsmon.work.work_data import WorkData, current_work

__all__ = ["count_exceptions", "timed"]

P = ParamSpec("P")
R = TypeVar("R")


class timed:  # noqa: N801
    """Add the elapsed seconds to a field of the current work: context manager, sync or async, and decorator.

    Times under one field add up. A time is also added if the work fails.
    """

    __slots__ = ("_data", "_field", "_started")

    def __init__(self, field: str, data: WorkData | None = None) -> None:
        self._field = field
        self._data = data
        self._started = 0.0

    def __enter__(self) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        elapsed_s = time.perf_counter() - self._started
        data = self._data or current_work()
        if data is not None:
            data.add(self._field, elapsed_s)

    async def __aenter__(self) -> None:
        """Start the clock."""
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Time every call of a function or coroutine function."""
        field, data = self._field, self._data
        return run_within(lambda: timed(field, data), function)


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

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Count the exceptions of every call of a function or coroutine function."""
        field, of, data = self._field, self._of, self._data
        return run_within(lambda: count_exceptions(field, of, data), function)
