"""Counting work in progress: how many requests, exports or downloads are being done."""

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from tsmon.points.in_progress import InProgress
from tsmon.work.decorating import Decorated, run_within

if TYPE_CHECKING:
    from tsmon.monitor.emitter import Emitter

__all__ = ["InProgressCounter"]


class InProgressCounter:
    """Counts the pieces of work in progress: context manager, sync or async, and decorator.

    ::

        exports = InProgressCounter(monitor, "exports")

        with exports:
            export()

    At each flush ``monitor`` writes an ``in_progress`` point if the count has changed, or was higher in between.
    Any number of threads and tasks may be inside at once.
    """

    def __init__(self, monitor: "Emitter", kind: str, *, service: str | None = None) -> None:
        self.kind = kind
        self._service = service
        # Appending and popping are atomic; adding to a number is not.
        self.inside: deque[None] = deque()
        """One item for each piece of work; the recorder of requests counts here directly, to save a call."""
        self.highest = 0
        """The highest count since the last flush."""
        self._reported = 0
        monitor.add_source(self)

    @property
    def count(self) -> int:
        """Number of pieces of work in progress."""
        return len(self.inside)

    def enter(self) -> None:
        """Count one more piece of work."""
        self.inside.append(None)
        count = len(self.inside)
        if count > self.highest:
            self.highest = count

    def leave(self) -> None:
        """Count one piece of work less."""
        # Work of the parent that ends in a forked child was never counted there.
        try:
            self.inside.pop()
        except IndexError:
            return

    def collect(self) -> Iterator[InProgress]:
        """See :class:`tsmon.monitor.source.Source`."""
        count, highest = len(self.inside), self.highest
        self.highest = count
        if count != self._reported or highest > count:
            self._reported = count
            yield InProgress(service=self._service, kind=self.kind, count=count, highest=max(highest, count))

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self.inside.clear()
        self.highest = self._reported = 0

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""

    def __enter__(self) -> None:
        """Enter."""
        self.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self.leave()

    async def __aenter__(self) -> None:
        """Enter."""
        self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self.leave()

    def __call__(self, function: Decorated) -> Decorated:
        """Count every call of a function, coroutine or generator, until it has ended."""
        return run_within("InProgressCounter", lambda: self, function)
