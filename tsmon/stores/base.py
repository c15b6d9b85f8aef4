"""What a store is: it takes line protocol, and answers a few narrow questions about time.

Times are integer nanoseconds since the epoch (UTC); intervals are half open, ``start_ns <= time < stop_ns``;
windows of ``every_ns`` are aligned to the epoch, as InfluxDB's ``window()`` aligns them, and empty ones are
left out. A third store is one new file with these methods.
"""

import asyncio
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

__all__ = ["Bin", "Count", "Newest", "Retention", "Selector", "Series", "Store", "Values", "WindowedSpan"]

BEGINNING_NS: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Selector:
    """A field of a measurement, in the series whose tags equal all of ``tags``."""

    measurement: str
    field: str
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Bin(msgspec.Struct, frozen=True, gc=False):
    """What one window holds, over all selected series: times of first and last point, and their number."""

    # A year of a stream may have ten thousand, and a frozen dataclass takes six times as long to make.

    start_ns: int
    first_ns: int
    last_ns: int
    count: int


class WindowedSpan(NamedTuple):
    """A span of time, and the width of the windows to look at it by."""

    start_ns: int
    stop_ns: int
    every_ns: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many values a series has in a span of time."""

    tags: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest point of one series, and its value."""

    tags: Mapping[str, str]
    time_ns: int
    value: str | float | int | bool


@dataclass(frozen=True, slots=True)
class Series:
    """Windowed means of one series: starts of the windows and the means in them, of equal length."""

    tags: Mapping[str, str]
    times_ns: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Values:
    """All values of one series as they were written: times, in order, and values, of equal length."""

    tags: Mapping[str, str]
    times_ns: Sequence[int]
    values: Sequence[str | float | int | bool]


@dataclass(frozen=True, slots=True)
class Retention:
    """From ``from_ns`` on a store answers in windows of ``every_ns`` and whole multiples; 0: in any windows."""

    every_ns: int
    from_ns: int


class Store(ABC):
    """Where lines go and answers come from; used as ``async with``, or by ``open()`` and ``close()``."""

    @property
    def destination(self) -> tuple[str, str, str] | None:
        """What tells this store from others (url, organization, bucket), for a spool in front of it.

        None where no spool is needed, because a write fails only with the disk that the spool would be on.
        """
        return None

    def after_fork(self) -> None:  # noqa: B027
        """In a forked child: let go of what was opened, without touching the parent's side of it."""

    @abstractmethod
    async def open(self) -> None:
        """Make ready; raises :class:`~tsmon.errors.StoreError` with the reason where that is impossible."""

    @abstractmethod
    async def check(self) -> None:
        """Ask whether points would be taken, writing none; raises :class:`~tsmon.errors.StoreError` if not.

        Needs no ``open()``.
        """

    @abstractmethod
    async def write(self, lines: bytes) -> None:
        """Store line protocol: one point a line, joined by newlines; when it returns, they are stored.

        Raises :class:`~tsmon.errors.StoreUnavailableError` where the same lines may be written later,
        :class:`~tsmon.errors.StoreRefusedError` where that is useless. All but the lines that the error
        counts are stored then.
        """

    @abstractmethod
    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """Bins of the selected points, in order of time, over all selected series together."""

    async def bins_of_spans(self, selector: Selector, spans: Iterable[WindowedSpan]) -> list[list[Bin]]:
        """Bins of several spans of time, each as :meth:`bins` has them; all at once, which is quicker."""
        return list(
            await asyncio.gather(
                *(self.bins(selector, start_ns=low, stop_ns=high, every_ns=every) for low, high, every in spans)
            )
        )

    async def windows(
        self,
        selectors: Sequence[Selector],  # noqa: ARG002
        *,
        start_ns: int,  # noqa: ARG002
        stop_ns: int,  # noqa: ARG002
        every_ns: int,  # noqa: ARG002
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """Bins of each series that any of the selectors selects, of one measurement and field.

        None where a question for each selector is as quick.
        """
        return None

    @abstractmethod
    async def newest(self, selector: Selector) -> list[Newest]:
        """Newest point of each selected series, in order of its tags."""

    @abstractmethod
    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """Mean of each window of each selected series of numbers, in order of its tags."""

    @abstractmethod
    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """Every value of each selected series that has some, exactly, in order of its tags."""

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """Number of values of each selected series that has some, in order of its tags."""
        found = await self.values(selector, start_ns=start_ns, stop_ns=stop_ns)
        return [Count(one.tags, len(one.values)) for one in found]

    async def retention(self, measurement: str) -> list[Retention]:  # noqa: ARG002
        """What retention has left of a measurement, the narrowest first: points, then rollups that outlive them.

        By default everything is kept.
        """
        return [Retention(0, BEGINNING_NS)]

    @abstractmethod
    async def close(self) -> None:
        """Release everything; safe to call more than once."""

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()
