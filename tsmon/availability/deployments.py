"""Deployments, and which deployment governs when."""

import heapq
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from tsmon.availability.arguments import find_rules
from tsmon.availability.rules import PresetName, Rules
from tsmon.availability.times import AnyTime, Units, to_end_argument_ns, to_time_argument_ns
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS

__all__ = ["BEGINNING_NS", "END_NS", "Deployment", "Span", "check_deployments", "compute_spans"]

BEGINNING_NS: Final = -MAX_TIME_NS
END_NS: Final = MAX_TIME_NS

_REMEDY: Final = "give a list of Deployment(number, start, end)"


@dataclass(frozen=True, slots=True, init=False)
class Deployment:
    """A period in which data are expected: ``start_ns <= time < end_ns``. Without an end it is still running.

    Start and end are times of any kind, see :data:`~tsmon.availability.AnyTime`; a missing end (None, NaT) is none.
    Integers are nanoseconds, as the names say. A deployment that ends when it starts expects nothing. Raises
    :class:`~tsmon.errors.AvailabilityError` for what is not a time, and if the end is before the start.
    """

    number: int
    start_ns: int
    end_ns: int | None = None

    def __init__(self, number: int, start_ns: AnyTime, end_ns: AnyTime | None = None) -> None:
        if type(number) is not int:
            number = _to_number(number)
        if type(start_ns) is not int:
            start_ns = to_time_argument_ns(start_ns, f"deployment {number}: start")
        if end_ns is not None and type(end_ns) is not int:
            end_ns = to_end_argument_ns(end_ns, f"deployment {number}: end")
        object.__setattr__(self, "number", number)
        object.__setattr__(self, "start_ns", start_ns)
        object.__setattr__(self, "end_ns", end_ns)
        for time_ns in (start_ns, start_ns if end_ns is None else end_ns):
            if not BEGINNING_NS <= time_ns <= END_NS:
                raise AvailabilityError(
                    f"deployment {number} has the time {time_ns} ns, outside of ±{MAX_TIME_NS}; correct it"
                )
        if end_ns is not None and end_ns < start_ns:
            raise AvailabilityError(
                f"deployment {number} ends {start_ns - end_ns} ns before it starts; exchange the two"
            )

    @classmethod
    def between(cls, number: int, start: AnyTime, end: AnyTime | None = None, *, unit: str | None = None) -> Self:
        """A deployment by times as arrays have them: numbers before 1990 or after 2100 need their ``unit``."""
        units = Units.of(unit)
        return cls(
            number,
            to_time_argument_ns(start, f"deployment {number}: start", units),
            to_end_argument_ns(end, f"deployment {number}: end", units),
        )


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


def compute_spans(
    deployments: Iterable[Deployment] | Deployment, rules: Rules | PresetName, *, now_ns: AnyTime
) -> list[Span]:
    """Split all of time, from :data:`BEGINNING_NS` to :data:`END_NS`, into spans without holes or overlaps.

    Where deployments overlap, the one that starts last governs (of equal starts the higher number); an earlier one
    governs again after it. An open deployment ends now. Nothing is expected after now: a deployment that ends in
    the future governs until now, but its limits come from its whole duration.

    Query each span in windows of its ``every_ns``, cut at its edges, so that data count for the deployment that
    they are in. Query the spans outside deployments too: the mean separation is that of the whole data set.
    """
    rules, now_ns = find_rules(rules), to_time_argument_ns(now_ns, "now_ns")
    found: list[Span] = []
    time_ns = BEGINNING_NS
    for start_ns, end_ns, deployment in _find_governing(check_deployments(deployments), now_ns):
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


def check_deployments(deployments: object) -> list[Deployment]:
    """Deployments as a list, also a single one; raises AvailabilityError for anything else."""
    if isinstance(deployments, Deployment):
        return [deployments]
    if not isinstance(deployments, Iterable) or isinstance(deployments, str):
        raise AvailabilityError(f"deployments is of type {type(deployments).__name__}; {_REMEDY}")
    found = list(deployments)
    for position, one in enumerate(found):
        if not isinstance(one, Deployment):
            raise AvailabilityError(f"deployments[{position}] is of type {type(one).__name__}; {_REMEDY}")
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


def _to_number(number: object) -> int:
    try:
        return operator.index(number)  # type: ignore[arg-type] # it raises TypeError for others
    except TypeError:
        raise AvailabilityError(f"the number of a deployment is {number!r}; give an integer") from None
