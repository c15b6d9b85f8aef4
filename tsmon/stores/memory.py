"""The store in memory, for tests and for trying things out: its points are lost when the process ends."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from tsmon.errors import LineProtocolError, StoreRefusedError
from tsmon.line_protocol.line_splitter import split_lines
from tsmon.line_protocol.parser import FieldValue, Unsigned, parse_line
from tsmon.stores.answer_rows import AnswerRows
from tsmon.stores.base import Store
from tsmon.stores.query_types import Bin, Newest, Selector, Series, Values
from tsmon.stores.retention_clock import ClockState, advance, read_clocks
from tsmon.stores.retention_policy import ReportRemoved, ignore_removed
from tsmon.stores.setup_change import ReportProgress, ignore_progress
from tsmon.stores.store_copy import StoreCopy

__all__ = ["MemoryStore"]

Tags = tuple[tuple[str, str], ...]
Rows = dict[int, FieldValue]


class MemoryStore(Store):
    """Keeps points as InfluxDB does: one point per series and time, and a field keeps its first type.

    With ``max_values`` the values that were written first are removed when there are more.
    """

    outlives_process: ClassVar[bool] = False

    def __init__(self, *, max_values: int | None = None) -> None:
        self._max_values = max_values
        self._written: deque[tuple[tuple[str, str], Tags, int]] = deque()
        self._clock: ClockState | None = None
        self._types: dict[tuple[str, str], type[FieldValue]] = {}
        self._rows: dict[tuple[str, str], dict[Tags, Rows]] = {}
        self._streams: dict[str, set[frozenset[tuple[str, str]]]] = {}

    def __repr__(self) -> str:
        return "MemoryStore()"

    def __str__(self) -> str:
        return "the memory of this process"

    async def open(self) -> None:
        """Does nothing."""

    def back_up(self, directory: Path, report: ReportProgress = ignore_progress) -> StoreCopy:  # noqa: ARG002
        """See :meth:`Store.back_up`."""
        return StoreCopy(advice="monitoring.store is memory: there are no stored points to back up")

    async def close(self) -> None:
        """Does nothing; the points stay until the store is garbage."""

    async def check(self) -> None:
        """See :meth:`Store.check`; it always succeeds."""

    async def write(self, lines: bytes) -> None:
        """See :meth:`Store.write`; a line without a time is refused."""
        refused: list[str] = []
        for number, line in split_lines(lines.decode(errors="surrogateescape")):
            try:
                self._take(line, number)
            except LineProtocolError as error:
                refused.append(str(error))
        if refused:
            raise StoreRefusedError(
                f"{len(refused)} of the points were refused, the others stored; {refused[0]}", lines=len(refused)
            )

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`."""
        found: dict[int, list[int]] = {}
        for _, rows in self._selected(selector):
            for time_ns in rows:
                if start_ns <= time_ns < stop_ns:
                    found.setdefault(time_ns // every_ns * every_ns, []).append(time_ns)
        return AnswerRows(
            Bin, (Bin(start, min(times), max(times), len(times)) for start, times in sorted(found.items()))
        )

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        found = (
            Newest(dict(tags), max(rows), _plain(rows[max(rows)]))
            for tags, rows in self._selected(selector)
            if rows
        )
        return AnswerRows(Newest, found)

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`."""
        kind = self._types.get((selector.measurement, selector.field))
        if kind in (str, bool):
            raise StoreRefusedError(
                f"field {selector.field!r} of measurement {selector.measurement!r} has no mean; "
                "choose a field of numbers"
            )
        answer = AnswerRows(Series)
        for tags, rows in self._selected(selector):
            windows: dict[int, list[float]] = {}
            for time_ns, value in sorted(rows.items()):
                if start_ns <= time_ns < stop_ns:
                    windows.setdefault(time_ns // every_ns * every_ns, []).append(float(value))
            if windows:
                means = [sum(values) / len(values) for values in windows.values()]
                answer.append(Series(dict(tags), list(windows), means))
        return answer

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        answer = AnswerRows(Values)
        for tags, rows in self._selected(selector):
            times = sorted(time_ns for time_ns in rows if start_ns <= time_ns < stop_ns)
            if times:
                answer.append(Values(dict(tags), times, [_plain(rows[time_ns]) for time_ns in times]))
        return answer

    async def keep_streams(self, selectors: Iterable[Selector]) -> None:
        """See :meth:`Store.keep_streams`."""
        for one in selectors:
            self._streams.setdefault(one.measurement, set()).add(frozenset(one.tags.items()))

    async def apply_retention(
        self,
        keep_ns: int | None,
        *,
        streams_keep_ns: int | None = None,
        now_ns: int | None = None,
        report: ReportRemoved = ignore_removed,
    ) -> int:
        """See :meth:`Store.apply_retention`."""
        if now_ns is None:
            self._clock = advance(self._clock, read_clocks(), self)
            now_ns = self._clock.safe_ns
        expired: set[tuple[str, Tags, int]] = set()
        for (measurement, _), series in self._rows.items():
            streams = self._streams.get(measurement, ())
            for tags, rows in series.items():
                keep = streams_keep_ns if any(map(frozenset(tags).issuperset, streams)) else keep_ns
                if keep is None:
                    continue
                old = [time_ns for time_ns in rows if time_ns < now_ns - keep]
                for time_ns in old:
                    del rows[time_ns]
                expired.update((measurement, tags, time_ns) for time_ns in old)
        report(Counter(measurement for measurement, _, _ in expired), {})
        return len(expired)

    def _take(self, line: str, number: int) -> None:
        if not line.isascii() and _undecodable(line):
            raise LineProtocolError("a byte is not UTF-8", line=number)
        point = parse_line(line, number)
        if point.time_ns is None:
            raise LineProtocolError("the time is missing", line=number)
        for field, value in point.fields.items():
            first = self._types.get((point.measurement, field), type(value))
            if first is not type(value):
                raise LineProtocolError(
                    f"field {field!r} of measurement {point.measurement!r} is of type {_name(type(value))}, "
                    f"but was first written as {_name(first)}",
                    line=number,
                )
        tags = tuple(sorted(point.tags.items()))
        for field, value in point.fields.items():
            key = point.measurement, field
            self._types[key] = type(value)
            rows = self._rows.setdefault(key, {}).setdefault(tags, {})
            if self._max_values is not None and point.time_ns not in rows:
                self._written.append((key, tags, point.time_ns))
            rows[point.time_ns] = value
        while self._max_values is not None and len(self._written) > self._max_values:
            self._remove(*self._written.popleft())

    def _remove(self, key: tuple[str, str], tags: Tags, time_ns: int) -> None:
        rows = self._rows[key].get(tags, {})
        rows.pop(time_ns, None)
        if not rows:
            self._rows[key].pop(tags, None)

    def _selected(self, selector: Selector) -> Iterator[tuple[Tags, Rows]]:
        """Rows of each selected series, in order of its tags."""
        wanted = set(selector.tags.items())
        for tags, rows in sorted(self._rows.get((selector.measurement, selector.field), {}).items()):
            if wanted <= set(tags):
                yield tags, rows


def _undecodable(line: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in line)


def _plain(value: FieldValue) -> FieldValue:
    return int(value) if isinstance(value, Unsigned) else value


def _name(type_: Callable[..., object]) -> str:
    names: dict[object, str] = {float: "float", int: "integer", bool: "boolean", str: "string"}
    return names.get(type_, "unsigned")
