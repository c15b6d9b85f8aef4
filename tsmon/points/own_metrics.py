"""Series of tsmon itself: the accounting of Monitors, and how the agent's samplers do."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["MonitorCounts", "Pipeline", "SamplerRound"]


class MonitorCounts(Point, measurement="tsmon_monitor"):
    """The accounting of a service's Monitor at one moment; counts are since the start of its process."""

    host: Tag[str]
    """Name of the host."""
    service: Tag[str | None] = None
    """Name of the service."""
    accepted: int
    """Points emitted and encoded."""
    recovered: int
    """Points found in the spool of an earlier process."""
    written: int
    """Points acknowledged by the store."""
    pending: int
    """Points waiting or on their way."""
    dropped: int
    """Points given up, for whatever reason; each reason that there was is an additional field ``dropped_…``."""
    refused: int
    """Points that could not be encoded."""
    nonfinite_fields: int
    """Fields left out for being NaN or infinite."""


class Pipeline(Point, measurement="tsmon_pipeline"):
    """The accounting of tsmon-agent's Monitor at one moment; counts are since its start."""

    host: Tag[str]
    """Name of the host."""
    accepted: int
    """Points emitted and encoded."""
    recovered: int = 0
    """Points found in the spool of an earlier process."""
    written: int
    """Points acknowledged by the store."""
    pending: int
    """Points waiting or on their way."""
    dropped: int
    """Points given up, for whatever reason."""
    refused: int
    """Points that could not be encoded."""
    nonfinite_fields: int
    """Fields left out for being NaN or infinite."""


class SamplerRound(Point, measurement="tsmon_sampler"):
    """One round of one sampler."""

    host: Tag[str]
    """Name of the host."""
    sampler: Tag[str]
    """Name of the sampler."""
    duration: float | None = None
    """Length of the round, in seconds; of a round that was given up, its time limit; none while it still hangs."""
    points: int
    """Points that it gave."""
    errors: int
    """Rounds since the start that failed, wholly or in part, or were given up."""
