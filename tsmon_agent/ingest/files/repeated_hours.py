"""Times that a wall clock shows twice, placed by the order of the rows around them.

When clocks are put back, an hour occurs twice, and a time in it does not say which one is meant. Rows that are in
order do: the times step back once, between the two. A row is placed where every order of first and second that
agrees with the rows around it gives it the same place; otherwise it is rejected, because nothing is guessed.

The rows of a series are an order. So are all rows of the file, while they are in order and their series alternate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final

from tsmon_agent.ingest.files.chunks import BadRow
from tsmon_agent.ingest.files.local_times import TwoTimes

__all__ = ["Placed", "RowOrder", "UndatedLine"]

MAX_WAITING: Final = 1_000_000
"""Rows that wait for a later one to place them; about as many as a day of 10 Hz."""

MIN_ALTERNATIONS: Final = 3
"""How often rows of a series are seen to follow those of another, in order, before the file's order is believed."""

_FAR: Final = timedelta(hours=36)

Placed = tuple[int, str] | BadRow
"""The number of a row and its line, or why it has none."""


@dataclass(frozen=True, slots=True)
class UndatedLine:
    """A line of line protocol but for its time; ``series`` is its measurement and tags."""

    text: str
    series: str
    time: int | TwoTimes


@dataclass(slots=True)
class _Waiting:
    """A row whose time occurs twice; ``place`` is 0 or 1 when it is known."""

    number: int
    cells: str
    line: UndatedLine
    time: TwoTimes
    place: int | None = None

    @property
    def times_ns(self) -> tuple[int, int]:
        """Both times that it can be."""
        return self.time.times_ns


@dataclass(slots=True)
class _Order:
    """What is known of rows in an order: the last time, whether times rise or fall, and the rows that wait."""

    last_ns: int | None = None
    direction: int = 0
    is_kept: bool = True
    has_repeats: bool = False
    waiting: list[_Waiting] = field(default_factory=list)

    def follow(self, time_ns: int) -> None:
        """Take the time of the next row, if it is known."""
        if self.last_ns is not None and time_ns != self.last_ns:
            direction = 1 if time_ns > self.last_ns else -1
            self.is_kept = self.is_kept and self.direction in (0, direction)
            self.direction = direction
        elif time_ns == self.last_ns:
            self.has_repeats = True
        self.last_ns = time_ns

    def place_waiting(self, next_ns: int | None) -> list[_Waiting]:
        """Place those that wait, where the order decides, and stop waiting; returns them."""
        rows, self.waiting = self.waiting, []
        if self.is_kept:
            found = [
                (direction, numbers)
                for direction in ((self.direction,) if self.direction else (1, -1))
                if (numbers := self._find_numbers_of_firsts(rows[::direction], direction, next_ns))
            ]
            places: list[set[int]] = [set() for _ in rows]
            for direction, numbers in found:
                for index, possible in enumerate(places[::direction]):
                    possible.update({0} if index < numbers[0] else {1} if index >= numbers[-1] else {0, 1})
            for row, possible in zip(rows, places, strict=True):
                if len(possible) == 1:
                    [row.place] = possible
        # What is not placed says nothing of where times go.
        self.last_ns = next(
            (one.times_ns[one.place] for one in reversed(rows) if one.place is not None), self.last_ns
        )
        return rows

    def _find_numbers_of_firsts(self, rows: Sequence[_Waiting], direction: int, next_ns: int | None) -> range:
        """How many of the rows, whose times rise, can be in the first hour; the others are in the second."""
        before, after = (self.last_ns, next_ns) if direction == 1 else (next_ns, self.last_ns)
        low, high = 0, len(rows)
        for index, row in enumerate(rows):
            if row.place == 0:
                low = max(low, index + 1)
            elif row.place == 1:
                high = min(high, index)
        for index, (one, other) in enumerate(pairwise(rows), 1):
            if self._is_step_back(one, other, rows):
                low, high = max(low, index), min(high, index)
        if before is not None and before > rows[0].times_ns[0]:
            high = 0 if before <= rows[0].times_ns[1] else -1
        if after is not None and after < rows[-1].times_ns[1]:
            low = max(low, len(rows) if after >= rows[-1].times_ns[0] else len(rows) + 1)
        return range(low, high + 1)

    def _is_step_back(self, one: _Waiting, other: _Waiting, rows: Sequence[_Waiting]) -> bool:
        if one.times_ns[0] != other.times_ns[0]:
            return one.times_ns[0] > other.times_ns[0]
        # Of data once an hour, each hour has one row. More rows than that, and it may as well be a repeated row.
        return len(rows) == 2 and not self.has_repeats and one.line.series == other.line.series


class RowOrder:
    """Places the rows of a file in the order of the file; a row may wait until later ones are known."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._file = _Order()
        self._series: dict[str, _Order] = {}
        self._waiting = 0
        self._last_series = ""
        self._alternations = 0

    def place(self, number: int, cells: str, line: UndatedLine) -> list[Placed]:
        """Take the next row; returns the rows that are placed now, which may be earlier ones."""
        time = line.time
        order = self._series.get(line.series)
        if order is None:
            order = self._series[line.series] = _Order()
        if not isinstance(time, int):
            return self._wait(order, _Waiting(number, cells, line, time))
        placed = self._close_before(order, time) if self._waiting else []
        self._alternations += order.last_ns is not None and line.series != self._last_series
        self._last_series = line.series
        order.follow(time)
        self._file.follow(time)
        placed.append((number, f"{line.text} {time}"))
        return placed

    def finish(self) -> list[Placed]:
        """The rows that still wait at the end of the file."""
        self._close_file(None)
        return [row for order in self._series.values() for row in self._close_series(order, None)]

    def _wait(self, order: _Order, row: _Waiting) -> list[Placed]:
        placed = self.finish() if self._waiting >= self._max_waiting else []
        if any(
            one.waiting and abs(one.waiting[-1].time.moment - row.time.moment) > _FAR for one in (order, self._file)
        ):
            # This is another change of the clock; for those that wait, any of the two times is as good.
            placed += self._close_before(order, row.times_ns[0])
        order.waiting.append(row)
        self._file.waiting.append(row)
        self._waiting += 1
        return placed

    def _close_before(self, order: _Order, time_ns: int) -> list[Placed]:
        self._close_file(time_ns)
        return self._close_series(order, time_ns)

    def _close_file(self, next_ns: int | None) -> None:
        """Place rows by the order of the whole file; the others wait for the next row of their series."""
        if self._file.waiting and self._file.is_kept and self._alternations >= MIN_ALTERNATIONS:
            self._file.place_waiting(next_ns)
        self._file.waiting = []

    def _close_series(self, order: _Order, next_ns: int | None) -> list[Placed]:
        if not order.waiting:
            return []
        rows = order.place_waiting(next_ns)
        self._waiting -= len(rows)
        return [self._finish(row) for row in rows]

    def _finish(self, row: _Waiting) -> Placed:
        if row.place is None:
            return BadRow(row.number, row.time.explain(), row.cells)
        return row.number, f"{row.line.text} {row.times_ns[row.place]}"
