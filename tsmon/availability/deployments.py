"""Deployments, and which deployment governs when."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from tsmon.availability.rules import Rules
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS, to_time_ns
from tsmon.points import Time

__all__ = ["BEGINNING_NS", "END_NS", "Deployment", "Span", "compute_spans"]

BEGINNING_NS: Final = -MAX_TIME_NS
END_NS: Final = MAX_TIME_NS


@dataclass(frozen=True, slots=True)
class Deployment:
    """A period in which data are expected: ``start_ns <= time < end_ns``. Without an end it is still running.

    A deployment that ends when it starts expects nothing. Raises :class:`~tsmon.errors.AvailabilityError` if the
    end is before the start.
    """

    number: int
    start_ns: int
    end_ns: int | None = None

    def __post_init__(self) -> None:
        for time_ns in (self.start_ns, self.start_ns if self.end_ns is None else self.end_ns):
            if not BEGINNING_NS <= time_ns <= END_NS:
                raise AvailabilityError(
                    f"deployment {self.number} has the time {time_ns} ns, outside of ±{MAX_TIME_NS}; correct it"
                )
        if self.end_ns is not None and self.end_ns < self.start_ns:
            raise AvailabilityError(
                f"deployment {self.number} ends {self.start_ns - self.end_ns} ns before it starts; exchange the two"
            )

    @classmethod
    def between(cls, number: int, start: Time, end: Time | None = None) -> Self:
        """A deployment by times that points accept too: aware datetimes, float seconds, integer nanoseconds."""
        return cls(number, to_time_ns(start), None if end is None else to_time_ns(end))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, ``start_ns <= time < end_ns``, governed by one deployment or by none.

    ``limit_ns`` is the longest time without data that is not a gap, ``floor_ns`` the largest mean separation that
    is never sparse, ``every_ns`` the width of the windows in which to query its data.
    """

    start_ns: int
    end_ns: int
    deployment: Deployment | None
    limit_ns: int
    floor_ns: float
    every_ns: int


def compute_spans(deployments: Iterable[Deployment], rules: Rules, *, now_ns: int) -> list[Span]:
    """Split all of time, from :data:`BEGINNING_NS` to :data:`END_NS`, into spans without holes or overlaps.

    Where deployments overlap, the one that starts last governs (of equal starts the higher number); an earlier one
    governs again after it. An open deployment ends now. Nothing is expected after now: a deployment that ends in
    the future governs until now, but its limits come from its whole duration.

    Query each span in windows of its ``every_ns``, cut at its edges, so that data count for the deployment that
    they are in. Query the spans outside deployments too: the mean separation is that of the whole data set.
    """
    found: list[Span] = []
    time_ns = BEGINNING_NS
    for start_ns, end_ns, deployment in _find_governing(deployments, now_ns):
        if start_ns > time_ns:
            found.append(Span(time_ns, start_ns, None, 0, 0.0, rules.bin_width_ns))
        duration_ns = (now_ns if deployment.end_ns is None else deployment.end_ns) - deployment.start_ns
        found.append(
            Span(
                start_ns,
                end_ns,
                deployment,
                rules.limit_ns(duration_ns),
                rules.floor_ns(duration_ns),
                rules.every_ns(duration_ns),
            )
        )
        time_ns = end_ns
    if time_ns < END_NS:
        found.append(Span(time_ns, END_NS, None, 0, 0.0, rules.bin_width_ns))
    return found


def _find_governing(deployments: Iterable[Deployment], now_ns: int) -> list[tuple[int, int, Deployment]]:
    """Start, end and governing deployment, ordered by time."""
    waiting = sorted(deployments, key=lambda one: (one.start_ns, one.number))
    edges = sorted({now_ns, *(one.start_ns for one in waiting), *(_end(one, now_ns) for one in waiting)})
    running: list[tuple[int, int, int, Deployment]] = []
    found: list[tuple[int, int, Deployment]] = []
    position = 0
    for start_ns, end_ns in pairwise(edges):
        while position < len(waiting) and waiting[position].start_ns <= start_ns:
            one = waiting[position]
            heapq.heappush(running, (-one.start_ns, -one.number, -position, one))
            position += 1
        while running and _end(running[0][3], now_ns) <= start_ns:
            heapq.heappop(running)
        if not running:
            continue
        governing = running[0][3]
        if found and found[-1][2] is governing:
            start_ns = found.pop()[0]  # noqa: PLW2901
        found.append((start_ns, end_ns, governing))
    return found


def _end(deployment: Deployment, now_ns: int) -> int:
    return now_ns if deployment.end_ns is None else min(deployment.end_ns, now_ns)
