"""Counting work in progress: how many requests, exports or downloads are being done."""

from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from tsmon.locks import Exit
from tsmon.points.in_progress import InProgress
from tsmon.work.decorating import Decorated, run_within

if TYPE_CHECKING:
    from weakref import ref

    from tsmon.monitor.emitter import Emitter

__all__ = ["InProgressCounter"]


LAST: Final = slice(-1, None)
"""Deleting it does nothing where there is none."""


class _CalledInC:
    """A method that is, for an object, a function in C, which begins and ends between two bytecodes."""

    def __init__(self, attribute: str, function: Callable[..., None]) -> None:
        self._attribute = attribute
        self._function = function

    def __get__(self, one: object, _: type) -> Callable[..., Any]:
        return self._function if one is None else getattr(one, self._attribute)


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
        self._inside: list[None] = []
        """One item for each piece of work that was entered."""
        # Only calls in C change the number, and each does so at once: an exception of a signal handler that comes
        # while a block is entered or left cannot get between the number and the block.
        self._enter = partial(self._inside.append, None)
        self._leave = Exit(partial(self._inside.__delitem__, LAST), self._note).make()
        self.open: set[ref[Any]] = set()
        """References to objects that are in progress too, until they are removed or die: requests."""
        self.highest = 0
        """The highest count since the last flush."""
        self._reported = self._orphans = 0
        monitor.add_source(self)

    def _note(self) -> None:
        """Note, when one was left, how many there were."""
        if self._orphans:
            # Work of the parent that ends in a forked child was never counted there.
            self._orphans -= 1
        elif len(self._inside) >= self.highest:
            self.highest = len(self._inside) + 1

    @property
    def count(self) -> int:
        """Number of pieces of work in progress."""
        self.open.difference_update([one for one in self.open.copy() if one() is None])
        return len(self._inside) + len(self.open)

    def enter(self) -> None:
        """Count one more piece of work."""
        self._inside.append(None)

    def leave(self) -> None:
        """Count one piece of work less."""
        self._leave()

    def collect(self) -> Iterator[InProgress]:
        """See :class:`tsmon.monitor.source.Source`."""
        count = self.count
        highest = max(self.highest, count)
        self.highest = count
        if count != self._reported or highest > count:
            self._reported = count
            yield InProgress(service=self._service, kind=self.kind, count=count, highest=highest)

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._orphans += len(self._inside)
        self._inside.clear()
        self.open.clear()
        self.highest = self._reported = 0

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""

    if TYPE_CHECKING:

        def __enter__(self) -> None:
            """Enter."""

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Leave."""

    else:
        __enter__ = _CalledInC("_enter", enter)
        __exit__ = _CalledInC("_leave", lambda self, *_: self.leave())

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
