"""Status of the pipeline from the samplers to the store, and whether it is ready."""

import time
from typing import TYPE_CHECKING

import msgspec

from tsmon_agent.host.sampling.scheduler import SamplerHealth

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["PipelineStatus", "Readiness", "SamplerRow", "compute_pipeline_status", "compute_readiness"]


class Readiness(msgspec.Struct, frozen=True):
    """Whether points reach the store; ``reasons`` says why not."""

    ready: bool
    reasons: list[str]


class SamplerRow(msgspec.Struct, frozen=True):
    """A sampler; ``state`` is ``works``, ``failing`` or ``waiting`` (for its first round)."""

    name: str
    state: str
    interval_s: float
    rounds: int
    errors: int
    last_duration_s: float | None
    last_success_ns: int | None
    last_error: str | None


class PipelineStatus(msgspec.Struct, frozen=True):
    """The accounting (``accepted + recovered == written + pending + dropped``) and the samplers."""

    time_ns: int
    host: str
    store: str
    flush_period_s: float
    readiness: Readiness
    accepted: int
    recovered: int
    written: int
    pending: int
    dropped: int
    dropped_by: dict[str, int]
    refused: int
    nonfinite_fields: int
    last_error: str | None
    samplers: list[SamplerRow]


def compute_readiness(context: "AgentContext") -> Readiness:
    """Ready means that the store accepted the last batch, and that at least one sampler works.

    A single failing sampler does not matter: this host may lack what it reads.
    """
    reasons = []
    monitor = context.monitor
    if monitor.last_error is not None:
        reasons.append(f"the store did not accept the last points: {monitor.last_error}")
    elif not monitor.counts.written:
        reasons.append("no point has reached the store yet")
    states = context.sampling.health
    if states and not any(state.last_success_ns is not None and not state.failing for state in states):
        reasons.append("no sampler works")
    return Readiness(not reasons, reasons)


def compute_pipeline_status(context: "AgentContext") -> PipelineStatus:
    """The status at this moment."""
    counts = context.monitor.counts
    return PipelineStatus(
        time_ns=time.time_ns(),
        host=context.settings.agent.host,
        store=str(context.store),
        flush_period_s=context.monitor.flush_period_s,
        readiness=compute_readiness(context),
        accepted=counts.accepted,
        recovered=counts.recovered,
        written=counts.written,
        pending=counts.pending,
        dropped=counts.dropped,
        dropped_by={str(reason): number for reason, number in counts.dropped_by.items() if number},
        refused=counts.refused,
        nonfinite_fields=counts.nonfinite_fields,
        last_error=context.monitor.last_error,
        samplers=[_row(state) for state in context.sampling.health],
    )


def _row(state: SamplerHealth) -> SamplerRow:
    word = "failing" if state.failing else "waiting" if state.last_success_ns is None else "works"
    return SamplerRow(
        name=state.name,
        state=word,
        interval_s=state.interval_s,
        rounds=state.rounds,
        errors=state.errors,
        last_duration_s=state.last_duration_s,
        last_success_ns=state.last_success_ns,
        last_error=state.last_error,
    )
