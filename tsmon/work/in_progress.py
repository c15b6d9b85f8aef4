"""Counting work in progress: how many requests, exports or downloads are being done."""

import functools
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from tsmon.points.progress import InProgress

if TYPE_CHECKING:
    from tsmon.monitor.emitter import Emitter

__all__ = ["counting_in_progress"]

P = ParamSpec("P")
R = TypeVar("R")


class counting_in_progress:  # noqa: N801
    """Counts what is being done, as a context manager (sync or async) and as a decorator.

    ::

        exports = counting_in_progress(monitor, "exports")

        with exports:
            export()

    At each flush at which the number has changed, or had risen in between, ``monitor`` writes an ``in_progress``
    point. Any number of threads and tasks may be inside at once.
    """

    def __init__(self, monitor: "Emitter", kind: str, *, service: str | None = None) -> None:
        self.kind = kind
        self._service = service
        # Appending and popping are atomic, as adding to a number is not.
        self.inside: deque[None] = deque()
        """As many items as there are pieces of work; the middleware counts here by itself, to save a call."""
        self.highest = 0
        """The highest number since the last flush."""
        self._told = 0
        monitor.add_source(self)

    @property
    def count(self) -> int:
        """How many are being done now."""
        return len(self.inside)

    def enter(self) -> None:
        """One more is being done."""
        self.inside.append(None)
        count = len(self.inside)
        if count > self.highest:
            self.highest = count

    def leave(self) -> None:
        """One less is being done."""
        # Work of the parent that ends in a forked child was never counted there.
        try:
            self.inside.pop()
        except IndexError:
            return

    def collect(self) -> Iterator[InProgress]:
        """See :class:`tsmon.monitor.source.Source`."""
        count, highest = len(self.inside), self.highest
        self.highest = count
        if count != self._told or highest > count:
            self._told = count
            yield InProgress(service=self._service, kind=self.kind, count=count, highest=max(highest, count))

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self.inside.clear()
        self.highest = self._told = 0

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""

    def __enter__(self) -> None:
        """Begin."""
        self.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.leave()

    async def __aenter__(self) -> None:
        """Begin."""
        self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.leave()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Count every call of a function or coroutine function."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await cast("Callable[P, Awaitable[Any]]", function)(*args, **kwargs)

            return cast("Callable[P, R]", awaiting)

        @functools.wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return calling
