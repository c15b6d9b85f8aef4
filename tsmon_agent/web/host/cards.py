"""The host at a glance: every card with its figures, now."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from tsmon.errors import StoreError
from tsmon.time_units import SECOND_NS
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.host.sampling.scheduler import SamplerHealth
from tsmon_agent.web.host.chart_data import ask_chart
from tsmon_agent.web.host.chart_ranges import Resolution
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.figures import CARDS, Card, Figure, figures_of
from tsmon_agent.web.host.thresholds import State

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["ShownCard", "cards_now", "is_stale"]

RATES_TIMEOUT_S: Final = 1.0
"""The page rather says that rates are unavailable than wait longer for the store."""

STALE_AFTER_ROUNDS: Final = 3
STALE_AFTER_S: Final = 5.0


class ShownCard(msgspec.Struct, frozen=True):
    """A card with its figures; ``note`` says why there are none."""

    card: Card
    figures: list[Figure]
    time_ns: int | None
    stale: bool
    note: str | None


def is_stale(state: SamplerHealth, newest: Round | None, now_ns: int) -> bool:
    """Whether a sampler has given nothing for several of its intervals."""
    limit_s = STALE_AFTER_ROUNDS * state.interval_s + STALE_AFTER_S
    return newest is not None and now_ns - newest.time_ns > limit_s * SECOND_NS


async def cards_now(context: "AgentContext") -> list[ShownCard]:
    """The cards of all configured samplers."""
    states = {state.name: state for state in context.sampling.health}
    cards = [card for card in CARDS if card.sampler in states]
    traffic = [card.name for card in cards if card.name in CHARTS and CHARTS[card.name].counters]
    rates = dict(
        zip(traffic, await asyncio.gather(*(_rates(context, name, states) for name in traffic)), strict=True)
    )
    now_ns = time.time_ns()
    return [_shown(context, card, states[card.sampler], rates.get(card.name, {}), now_ns) for card in cards]


def _shown(
    context: "AgentContext", card: Card, state: SamplerHealth, rates: dict[str, float], now_ns: int
) -> ShownCard:
    newest = context.live.newest.get(card.sampler)
    if newest is None:
        note = f"no value: {state.last_error}" if state.last_error else "no value yet"
        return ShownCard(card, [], None, stale=False, note=note)
    figures = figures_of(card, newest, rates)
    stale = is_stale(state, newest, now_ns)
    if stale:
        figures = [msgspec.structs.replace(figure, state=State.STALE) for figure in figures]
    return ShownCard(card, figures, newest.time_ns, stale, None if figures else "unavailable on this host")


async def _rates(context: "AgentContext", name: str, states: dict[str, SamplerHealth]) -> dict[str, float]:
    """Newest rates of a chart's counters, from what the last rounds left in the store."""
    chart = CHARTS[name]
    interval_ns = round(states[chart.measurement].interval_s * SECOND_NS)
    resolution = Resolution(max(interval_ns // 4, 1), interval_ns, windowed=False)
    now_ns = time.time_ns()
    try:
        async with asyncio.timeout(RATES_TIMEOUT_S):
            data = await ask_chart(
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
