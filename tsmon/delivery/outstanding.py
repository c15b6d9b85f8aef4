"""Which lines are neither written nor dropped yet: in flight, or on disk; by their sequence numbers."""

from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Outstanding"]

FOREIGN: Final = -1
"""Start of lines of earlier processes, which have no sequence number here and are older than all that have."""


@dataclass(slots=True)
class _Range:
    """So many lines after sequence number ``start``; what is settled of them is not told apart."""

    start: int
    lines: int


class Outstanding:
    """Ranges of lines in flight and on disk; not safe for use by two threads.

    Where ranges blur, they are taken for older than they are, so that :attr:`oldest` never claims too much.
    """

    def __init__(self) -> None:
        self._flights: list[_Range] = []
        self._disk: deque[_Range] = deque()
        self._foreign = 0
        self.in_flight = 0
        """Lines in flight."""
        self.on_disk = 0
        """Lines on disk and not in flight."""

    @property
    def oldest(self) -> int | None:
        """Sequence number before the oldest unsettled line of this process; None where there is none."""
        starts = [flight.start for flight in self._flights if flight.start != FOREIGN]
        if self._disk:
            starts.append(self._disk[0].start)
        return min(starts, default=None)

    @property
    def foreign(self) -> int:
        """Lines of earlier processes."""
        return self._foreign + sum(flight.lines for flight in self._flights if flight.start == FOREIGN)

    def recovered(self, lines: int) -> None:
        """Lines of earlier processes were found on disk."""
        self._foreign += lines
        self.on_disk += lines

    def taken(self, start: int, lines: int) -> None:
        """Lines left the buffer."""
        self._flights.append(_Range(start, lines))
        self.in_flight += lines

    def release(self, lines: int, start: int | None = None) -> tuple[int, int]:
        """Lines in flight, the oldest or those taken at ``start``, are so no more; how many, and their start."""
        flights = sorted(self._flights, key=lambda one: (one.start != start, one.start))
        if not flights:
            return 0, FOREIGN
        flight = flights[0]
        lines = min(lines, flight.lines)
        flight.lines -= lines
        self.in_flight -= lines
        if not flight.lines:
            self._flights.remove(flight)
        return lines, flight.start

    def spooled(self, lines: int, start: int | None) -> None:
        """Lines in flight are on disk now, behind all others there."""
        lines, start = self.release(lines, start)
        self._keep(start, lines, newest=True)

    def recalled(self, lines: int) -> None:
        """The oldest lines on disk are in flight again."""
        foreign = min(lines, self._foreign)
        if foreign:
            self._foreign -= foreign
            self.on_disk -= foreign
            self.taken(FOREIGN, foreign)
        lines -= foreign
        if self._disk and lines:
            start = self._disk[0].start
            self.taken(start, self._remove(lines, oldest=True))

    def returned(self, lines: int) -> None:
        """The oldest lines in flight, which were recalled, stay on disk."""
        lines, start = self.release(lines)
        self._keep(start, lines, newest=False)

    def dropped_from_disk(self, lines: int) -> int:
        """Lines on disk are given up, the oldest that are not being sent; how many they were.

        Which ranges those were is not known, so the newest ones go.
        """
        foreign = min(lines, self._foreign)
        self._foreign -= foreign
        self.on_disk -= foreign
        return foreign + self._remove(lines - foreign, oldest=False)

    def given_up(self) -> int:
        """Nothing is in flight any more; how many lines were."""
        lines, self.in_flight = self.in_flight, 0
        self._flights.clear()
        return lines

    def _keep(self, start: int, lines: int, *, newest: bool) -> None:
        if not lines:
            return
        self.on_disk += lines
        if start == FOREIGN:
            self._foreign += lines
        elif newest:
            self._disk.append(_Range(start, lines))
        else:
            self._disk.appendleft(_Range(start, lines))

    def _remove(self, lines: int, *, oldest: bool) -> int:
        removed = 0
        while removed < lines and self._disk:
            one = self._disk[0 if oldest else -1]
            part = min(lines - removed, one.lines)
            one.lines -= part
            removed += part
            if not one.lines:
                (self._disk.popleft if oldest else self._disk.pop)()
        self.on_disk -= removed
        return removed
