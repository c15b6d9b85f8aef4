"""Series of tsmon itself: the accounting of its Monitors, and the rounds of the agent's samplers."""

from typing import Any, Self

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["AgentCounts", "MonitorCounts", "SamplerRound"]


class _AccountingPoint(Point):
    """The accounting of a Monitor at one moment; counts are since the start of its process."""

    host: Tag[str]
    """Name of the host."""
    accepted: int
    """Points emitted and encoded."""
    recovered: int
    """Points found in the spool of an earlier process."""
    written: int
    """Points acknowledged by the store."""
    pending: int
    """Points waiting or being sent."""
    dropped: int
    """Points given up, for any reason."""
    refused: int
    """Points that could not be encoded."""
    nonfinite_fields: int
    """Fields left out because they were NaN or infinite."""

    @classmethod
    def from_counts(cls, counts: object, **others: Any) -> Self:
        """Make a point whose declared fields are the attributes of the same names of ``counts``."""
        declared = {c.attribute for c in cls.__declaration__.columns if c.field} - others.keys()
        return cls(**{attribute: getattr(counts, attribute) for attribute in declared}, **others)


class MonitorCounts(_AccountingPoint, measurement="tsmon_monitor"):
    """The accounting of a service's Monitor at one moment; counts are since the start of its process.

    Each reason for which points were dropped is an additional field ``dropped_…``.
    """

    service: Tag[str | None] = None
    """Name of the service."""


class AgentCounts(_AccountingPoint, measurement="tsmon_pipeline"):
    """The accounting of tsmon-agent's Monitor at one moment; counts are since its start."""


class SamplerRound(Point, measurement="tsmon_sampler"):
    """One round of one sampler."""

    host: Tag[str]
    """Name of the host."""
    sampler: Tag[str]
    """Name of the sampler."""
    duration: float | None = None
    """Length of the round in seconds; its time limit if it was given up; left out while it still hangs."""
    points: int
    """Number of points that the round returned."""
    errors: int
    """Number of rounds since the start that failed, wholly or in part, or were given up."""
