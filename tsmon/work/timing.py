"""Runs that are timed, and which of their time counts."""

from contextvars import ContextVar
from time import perf_counter_ns
from typing import Self

from tsmon.work.work_data import WorkData

__all__ = ["Timing"]


class Timing:
    """One run that is timed; ``with timed("match_time") as timing`` gives it."""

    __slots__ = ("began_ns", "below", "counts_from_ns", "data", "enclosing", "ended_ns", "field", "owner")

    owner: object
    """What began it, and will end it."""
    field: str
    """Its name."""
    data: WorkData | None
    """The work in which it counts."""
    began_ns: int
    """When it began, on the performance counter."""
    ended_ns: int | None
    """When it ended; None while it is under way."""
    counts_from_ns: int
    """From when on its time counts."""
    below: "Timing | None"
    """The run that was under way in the same context when this one began, of any name."""
    enclosing: "Timing | None"
    """The innermost of those that has the same name, in the same work."""

    @property
    def elapsed_ns(self) -> int:
        """Nanoseconds from the beginning to the end of the run, or to now if it is under way."""
        return (perf_counter_ns() if self.ended_ns is None else self.ended_ns) - self.began_ns

    @property
    def elapsed_s(self) -> float:
        """The same in seconds."""
        return self.elapsed_ns / 1e9

    @property
    def is_running(self) -> bool:
        """Whether the run is under way."""
        return self.ended_ns is None

    def __repr__(self) -> str:
        return f"<{self.field}: {self.elapsed_s:.6f} s{' so far' if self.is_running else ''}>"

    @classmethod
    def begin(cls, owner: object, field: str, data: WorkData | None) -> Self:
        """Begin a run of ``owner``, whose time counts under ``field`` of ``data``, in the present context."""
        timing = cls()
        timing.owner = owner
        timing.field = field
        timing.data = data
        timing.ended_ns = timing.below = timing.enclosing = None
        if (innermost := _innermost.get()) is not None:
            below = timing.below = _skip_ended(innermost)
            while below is not None and (below.field != field or below.data is not data):
                below = _skip_ended(below.below)
            timing.enclosing = below
            if below is not None:
                below.leave_ended()
        _innermost.set(timing)
        timing.began_ns = timing.counts_from_ns = perf_counter_ns()
        return timing

    @staticmethod
    def end(owner: object, latest: "Timing | None") -> None:
        """End the innermost run of ``owner`` in the present context, or ``latest`` if that began in another one.

        What a run of the same name in the same work covers, which was under way when this one began, counts there
        and not here.
        """
        ended_ns = perf_counter_ns()
        timing = innermost = _innermost.get()
        while timing is not None and (timing.owner is not owner or timing.ended_ns is not None):
            timing = timing.below
        timing = timing or latest
        if timing is None or timing.ended_ns is not None:
            return
        timing.ended_ns = ended_ns
        if timing is innermost and timing.below is None:
            _innermost.set(None)
        elif innermost is not None:
            _innermost.set(_skip_ended(innermost))
        if timing.enclosing is not None:
            timing.leave_ended()
        if timing.data is not None and timing.enclosing is None:
            timing.data.add(timing.field, (ended_ns - timing.counts_from_ns) / 1e9)

    def leave_ended(self) -> None:
        """Note what ended runs have covered and forget them; else tasks that begin tasks would be kept for ever."""
        while (outer := self.enclosing) is not None and outer.ended_ns is not None:
            self.counts_from_ns = max(self.counts_from_ns, outer.ended_ns)
            self.enclosing = outer.enclosing


_innermost: ContextVar[Timing | None] = ContextVar("tsmon_timing", default=None)


def _skip_ended(timing: Timing | None) -> Timing | None:
    """Return ``timing`` or the next one below it that is under way, without ended ones directly below that."""
    while timing is not None and timing.ended_ns is not None:
        timing = timing.below
    if timing is not None:
        below = timing.below
        while below is not None and below.ended_ns is not None:
            below = timing.below = below.below
    return timing
