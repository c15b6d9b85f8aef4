"""The cards of the host's page, with their figures at this moment."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from tsmon.errors import StoreError
from tsmon.time_units import SECOND_NS
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.host.sampling.scheduler import SamplerHealth
from tsmon_agent.web.host.chart_data import query_chart
from tsmon_agent.web.host.chart_ranges import Resolution
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.figures import CARDS, Card, Figure, compute_figures
from tsmon_agent.web.host.thresholds import Severity

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["CardContent", "current_cards", "is_stale"]

RATES_TIMEOUT_S: Final = 1.0
"""Rather than wait longer for the store, the page shows that rates are unavailable."""

STALE_AFTER_ROUNDS: Final = 3
STALE_AFTER_S: Final = 5.0


class CardContent(msgspec.Struct, frozen=True):
    """A card with its figures; ``note`` explains why there are none."""

    card: Card
    figures: list[Figure]
    time_ns: int | None
    stale: bool
    note: str | None


def is_stale(sampler: SamplerHealth, newest: Round | None, now_ns: int) -> bool:
    """Whether the newest round of a sampler is several of its intervals old."""
    limit_s = STALE_AFTER_ROUNDS * sampler.interval_s + STALE_AFTER_S
    return newest is not None and now_ns - newest.time_ns > limit_s * SECOND_NS


async def current_cards(context: "AgentContext") -> list[CardContent]:
    """The cards of all configured samplers."""
    samplers = {sampler.name: sampler for sampler in context.sampling.health}
    cards = [card for card in CARDS if card.sampler in samplers]
    counters = [card.name for card in cards if card.name in CHARTS and CHARTS[card.name].counters]
    answers = await asyncio.gather(*(_query_rates(context, name, samplers) for name in counters))
    rates = dict(zip(counters, answers, strict=True))
    now_ns = time.time_ns()
    return [_fill(context, card, samplers[card.sampler], rates.get(card.name, {}), now_ns) for card in cards]


def _fill(
    context: "AgentContext", card: Card, sampler: SamplerHealth, rates: dict[str, float], now_ns: int
) -> CardContent:
    newest = context.live.newest.get(card.sampler)
    if newest is None:
        note = f"no value: {sampler.last_error}" if sampler.last_error else "no value yet"
        return CardContent(card, [], None, stale=False, note=note)
    figures = compute_figures(card, newest, rates)
    stale = is_stale(sampler, newest, now_ns)
    if stale:
        figures = [msgspec.structs.replace(figure, severity=Severity.STALE) for figure in figures]
    return CardContent(card, figures, newest.time_ns, stale, None if figures else "unavailable on this host")


async def _query_rates(context: "AgentContext", name: str, samplers: dict[str, SamplerHealth]) -> dict[str, float]:
    """Newest rates of a chart's counters, from the last rounds in the store; none where it does not answer."""
    chart = CHARTS[name]
    interval_ns = round(samplers[chart.measurement].interval_s * SECOND_NS)
    resolution = Resolution(max(interval_ns // 4, 1), interval_ns, windowed=False)
    now_ns = time.time_ns()
    try:
        async with asyncio.timeout(RATES_TIMEOUT_S):
            data = await query_chart(
                context.store,
                chart,
                context.settings.agent.host,
                resolution,
                start_ns=now_ns - STALE_AFTER_ROUNDS * interval_ns - round(STALE_AFTER_S * SECOND_NS),
                stop_ns=now_ns,
                most=1_000,
            )
    except (StoreError, TimeoutError):
        return {}
    newest = {}
    for series in data.series:
        values = [value for value in series.values if value is not None]
        if values:
            newest[series.id] = values[-1]
    return newest
