"""What the open pages of the host are told."""

import time
from typing import TYPE_CHECKING

import msgspec

from tsmon.time_units import SECOND_NS
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.web.host.cards import is_stale
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.counter_rates import RateMeter
from tsmon_agent.web.host.figures import CARDS, figures_of

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["HostMessages"]


class HostMessages:
    """Makes one message of each round, for all pages that are open; remembers counters for their rates."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context
        self._meters = {name: RateMeter() for name, chart in CHARTS.items() if chart.counters}
        for newest in context.live.newest.values():
            self.of_round(newest)

    def of_round(self, new: Round) -> bytes:
        """The round as figures, and as values of the charts."""
        interval_s = next((s.interval_s for s in self._context.sampling.health if s.name == new.sampler), 0.0)
        gap_ns = round(interval_s * SECOND_NS * 1.5)
        rates: dict[str, float] = {}
        values: dict[str, dict[str, float]] = {}
        for chart in CHARTS.values():
            if chart.measurement == new.sampler:
                row = chart.values_of(new.points)
                if chart.counters:
                    row = rates = self._meters[chart.name].rates(new.time_ns, row, gap_ns)
                values[chart.name] = {key: round(value, 3) for key, value in row.items()}
        figures = {card.name: figures_of(card, new, rates) for card in CARDS if card.sampler == new.sampler}
        return msgspec.json.encode(
            {"type": "round", "time": new.time_ns / 1e6, "figures": figures, "values": values}
        )

    def beat(self) -> bytes:
        """A sign of life, with the cards whose samplers have given nothing of late."""
        now_ns = time.time_ns()
        newest = self._context.live.newest
        stale = {
            state.name for state in self._context.sampling.health if is_stale(state, newest.get(state.name), now_ns)
        }
        cards = [card.name for card in CARDS if card.sampler in stale]
        return msgspec.json.encode({"type": "beat", "time": now_ns / 1e6, "stale": cards})
