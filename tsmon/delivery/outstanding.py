"""The lines that are neither written nor dropped yet: in flight, or on disk; by their sequence numbers."""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["Outstanding"]

FOREIGN: Final = -1
"""Start of lines of earlier processes, which have no sequence number here and are older than all that have."""


class _Range(NamedTuple):
    """``lines`` lines after sequence number ``start``; which of them are settled is not known."""

    start: int
    lines: int


class Outstanding:
    """Ranges of lines in flight and on disk; not thread-safe.

    Where ranges blur, they count as older than they are, so :attr:`oldest` never claims too much.
    """

    def __init__(
        self,
        flights: Iterable[_Range] = (),
        disk: Iterable[_Range] = (),
        *,
        foreign: int = 0,
        in_flight: int = 0,
        on_disk: int = 0,
    ) -> None:
        self._flights = list(flights)
        self._disk = deque(disk)
        self._foreign = foreign
        self.in_flight = in_flight
        """Lines in flight."""
        self.on_disk = on_disk
        """Lines on disk and not in flight."""

    def copy(self) -> "Outstanding":
        """The same ranges, for a change that leaves these as they are."""
        return Outstanding(
            self._flights, self._disk, foreign=self._foreign, in_flight=self.in_flight, on_disk=self.on_disk
        )

    @property
    def oldest(self) -> int | None:
        """Sequence number before the oldest outstanding line of this process; None where there is none."""
        starts = [flight.start for flight in self._flights if flight.start != FOREIGN]
        if self._disk:
            starts.append(self._disk[0].start)
        return min(starts, default=None)

    @property
    def foreign(self) -> int:
        """Lines of earlier processes."""
        return self._foreign + sum(flight.lines for flight in self._flights if flight.start == FOREIGN)

    def recover(self, lines: int) -> None:
        """Add lines of earlier processes, which were found on disk."""
        self._foreign += lines
        self.on_disk += lines

    def take(self, start: int, lines: int) -> None:
        """Add lines that leave the buffer; they are in flight."""
        self._flights.append(_Range(start, lines))
        self.in_flight += lines

    def release(self, lines: int, start: int | None = None) -> tuple[int, int]:
        """Remove lines in flight, the oldest or those taken at ``start``; returns how many, and their start."""
        if not self._flights:
            return 0, FOREIGN
        numbers = range(len(self._flights))
        number = min(numbers, key=lambda n: (self._flights[n].start != start, self._flights[n].start))
        flight = self._flights[number]
        lines = min(lines, flight.lines)
        self.in_flight -= lines
        if lines < flight.lines:
            self._flights[number] = _Range(flight.start, flight.lines - lines)
        else:
            del self._flights[number]
        return lines, flight.start

    def spill(self, lines: int, start: int | None) -> None:
        """Move lines in flight to disk, behind all others there."""
        lines, start = self.release(lines, start)
        self._add_to_disk(start, lines, newest=True)

    def recall(self, lines: int) -> None:
        """Move the oldest lines on disk into flight."""
        foreign = min(lines, self._foreign)
        if foreign:
            self._foreign -= foreign
            self.on_disk -= foreign
            self.take(FOREIGN, foreign)
        lines -= foreign
        if self._disk and lines:
            start = self._disk[0].start
            self.take(start, self._remove_from_disk(lines, oldest=True))

    def put_back(self, lines: int) -> None:
        """Return the oldest lines in flight, which were recalled, to the front of the disk."""
        lines, start = self.release(lines)
        self._add_to_disk(start, lines, newest=False)

    def drop_from_disk(self, lines: int) -> int:
        """Remove the oldest lines on disk that are not in flight; returns how many they were.

        Which ranges those were is not known, so the newest ones are removed.
        """
        foreign = min(lines, self._foreign)
        self._foreign -= foreign
        self.on_disk -= foreign
        return foreign + self._remove_from_disk(lines - foreign, oldest=False)

    def give_up_flights(self) -> int:
        """Remove all lines in flight; returns how many they were."""
        lines, self.in_flight = self.in_flight, 0
        self._flights.clear()
        return lines

    def leave_disk(self) -> int:
        """Remove all lines on disk; returns how many they were."""
        lines, self.on_disk = self.on_disk, 0
        self._disk.clear()
        self._foreign = 0
        return lines

    def _add_to_disk(self, start: int, lines: int, *, newest: bool) -> None:
        if not lines:
            return
        self.on_disk += lines
        if start == FOREIGN:
            self._foreign += lines
        elif newest:
            self._disk.append(_Range(start, lines))
        else:
            self._disk.appendleft(_Range(start, lines))

    def _remove_from_disk(self, lines: int, *, oldest: bool) -> int:
        removed = 0
        while removed < lines and self._disk:
            end = 0 if oldest else -1
            one = self._disk[end]
            part = min(lines - removed, one.lines)
            removed += part
            if part < one.lines:
                self._disk[end] = _Range(one.start, one.lines - part)
            else:
                del self._disk[end]
        self.on_disk -= removed
        return removed
