"""Which points of an import retention would remove: those older than their series are kept."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tsmon.errors import ImportingError, LineProtocolError
from tsmon.line_protocol.parser import find_head_end, parse_head
from tsmon.stores import Selector
from tsmon_agent.ingest.files.chunks import Chunk

__all__ = ["RetentionCheck"]

MAX_HEADS: Final = 100_000
"""Distinct texts of measurement and tags that are cached; a full cache is cleared."""


@dataclass(frozen=True, slots=True)
class _Series:
    measurement: str
    tags: Mapping[str, str]


class RetentionCheck:
    """Refuses points from before ``points_from_ns``, or before ``streams_from_ns`` if ``is_stream`` (None: none).

    With ``keeps``, all series count as those of expected streams. :meth:`find_new_series` returns those that are to
    be noted in the store before their points are written, so that an agent with another state keeps them, too.
    """

    def __init__(
        self,
        points_from_ns: int | None,
        streams_from_ns: int | None,
        is_stream: Callable[[str, Mapping[str, str]], bool],
        explain: Callable[[bool], str],
        *,
        keeps: bool,
    ) -> None:
        self._from_ns = {False: points_from_ns, True: streams_from_ns}
        self._is_stream = is_stream
        self._explain = explain
        self._keeps = keeps
        self._heads: dict[str, bool] = {}
        self._noted: set[str] = set()

    @property
    def can_refuse(self) -> bool:
        """Whether there are times whose points are refused."""
        return self._from_ns[True] is not None or (not self._keeps and self._from_ns[False] is not None)

    def check(self, name: str, chunk: Chunk, stored: int) -> None:
        """Raise :class:`~tsmon.errors.ImportingError` if retention would remove a point of ``chunk``.

        ``stored`` is the number of points of the file that are stored already.
        """
        limits = [limit for limit in self._from_ns.values() if limit is not None]
        if not self.can_refuse or not limits:
            return
        latest_ns = max(limits)
        for index, line in enumerate(chunk.lines):
            try:
                time_ns = int(line[line.rstrip().rindex(" ") + 1 :])
                if time_ns >= latest_ns:
                    continue
                head = line[: find_head_end(line)]
                from_ns = self._from_ns[is_stream := self._is_of_stream(head)]
            except ValueError:
                continue  # the store refuses the line
            if from_ns is not None and time_ns < from_ns:
                series = _parse(head)
                before = f"the {stored:,} points before it are stored" if stored else "nothing of it is imported"
                raise ImportingError(
                    f"{name}: line {chunk.number_of(index)} has a point of {series.measurement} of "
                    f"{_format(time_ns)}, which {self._explain(is_stream)}; {before}"
                )

    def find_new_series(self, chunk: Chunk) -> Sequence[Selector]:
        """Selectors of the series of ``chunk`` that are a stream's and were not returned before."""
        if not self._keeps and not any(self._heads.values()):
            return ()
        heads = {line[: find_head_end(line)] for line in chunk.lines} - self._noted
        if not self._keeps:
            heads = {head for head in heads if self._heads.get(head)}
        self._noted |= heads
        found = []
        for head in sorted(heads):
            with contextlib.suppress(LineProtocolError):  # the store refuses the line
                one = _parse(head)
                found.append(Selector(one.measurement, "", one.tags))
        return found

    def _is_of_stream(self, head: str) -> bool:
        if self._keeps:
            return True
        known = self._heads.get(head)
        if known is None:
            if len(self._heads) >= MAX_HEADS:
                self._heads.clear()
            series = _parse(head)
            known = self._heads[head] = self._is_stream(series.measurement, series.tags)
        return known


def _parse(head: str) -> _Series:
    return _Series(*parse_head(f"{head} "))


def _format(time_ns: int) -> str:
    from tsmon.availability.time_format import format_time

    return f"{format_time(time_ns)} UTC"
