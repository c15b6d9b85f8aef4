"""What the open pages of the host are told."""

import time
from typing import TYPE_CHECKING

import msgspec

from tsmon_agent.live import Round
from tsmon_agent.web.charts import CHARTS
from tsmon_agent.web.figures import CARDS, figures_of
from tsmon_agent.web.glance import is_stale
from tsmon_agent.web.rates import SECOND_NS, RateMeter

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

__all__ = ["HostMessages"]


class HostMessages:
    """Makes one message of each round, for all pages that are open; remembers counters for their rates."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        self._meters = {name: RateMeter() for name, chart in CHARTS.items() if chart.counters}
        for newest in agent.live.newest.values():
            self.of_round(newest)

    def of_round(self, new: Round) -> bytes:
        """The round as figures, and as values of the charts."""
        interval_s = next((s.interval_s for s in self._agent.sampling.states if s.name == new.sampler), 0.0)
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
        newest = self._agent.live.newest
        stale = {
            state.name for state in self._agent.sampling.states if is_stale(state, newest.get(state.name), now_ns)
        }
        cards = [card.name for card in CARDS if card.sampler in stale]
        return msgspec.json.encode({"type": "beat", "time": now_ns / 1e6, "stale": cards})
