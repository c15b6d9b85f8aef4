"""Live messages for the open pages of the host."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from tsmon.time_units import MILLISECOND_NS, SECOND_NS
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.web.host.cards import is_stale
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.counter_rates import RateMeter
from tsmon_agent.web.host.figures import CARDS, compute_figures

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["HostMessages", "host_messages"]

_log = logging.getLogger("tsmon")


async def host_messages(context: "AgentContext", beat_s: float) -> AsyncIterator[bytes]:
    """A message for each round as it comes, and a beat every ``beat_s`` seconds."""
    loop = asyncio.get_running_loop()
    messages = HostMessages(context)
    with context.live.listen() as rounds:
        next_beat = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(next_beat):
                    new = await rounds.get()
            except TimeoutError:
                next_beat = loop.time() + beat_s
                yield messages.encode_beat()
                continue
            try:
                message = messages.encode_round(new)
            except Exception:
                _log.exception("a round of the sampler %s cannot be shown", new.sampler)
            else:
                yield message


class HostMessages:
    """Encodes rounds for the pages; remembers the last counters for their rates."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context
        self._meters = {name: RateMeter() for name, chart in CHARTS.items() if chart.counters}
        for newest in context.live.newest.values():
            self.encode_round(newest)

    def encode_round(self, new: Round) -> bytes:
        """A round as figures of the cards and as values of the charts."""
        interval_s = next((s.interval_s for s in self._context.sampling.health if s.name == new.sampler), 0.0)
        gap_ns = round(interval_s * SECOND_NS * 1.5)
        rates: dict[str, float] = {}
        values: dict[str, dict[str, float]] = {}
        for chart in CHARTS.values():
            if chart.measurement == new.sampler:
                row = chart.values_of(new.points)
                if chart.counters:
                    row = rates = self._meters[chart.name].update(new.time_ns, row, gap_ns)
                values[chart.name] = {key: round(value, 3) for key, value in row.items()}
        figures = {card.name: compute_figures(card, new, rates) for card in CARDS if card.sampler == new.sampler}
        return msgspec.json.encode(
            {"type": "round", "time": new.time_ns / MILLISECOND_NS, "figures": figures, "values": values}
        )

    def encode_beat(self) -> bytes:
        """A sign of life, which names the cards whose samplers have no recent round."""
        now_ns = time.time_ns()
        newest = self._context.live.newest
        stale = {
            state.name for state in self._context.sampling.health if is_stale(state, newest.get(state.name), now_ns)
        }
        cards = [card.name for card in CARDS if card.sampler in stale]
        return msgspec.json.encode({"type": "beat", "time": now_ns / MILLISECOND_NS, "stale": cards})
