"""The past of an instrument, relative to now and the same at each call: deployments, outages, points."""

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final

from examples.demo.instruments import DAY, HOUR, Instrument, Site, Stream

__all__ = ["MEASUREMENT", "deployments", "lines", "stretches", "value_at"]

MEASUREMENT: Final = "samples"
RECENT: Final = 3 * DAY
"""Live streams have been as dense as they are now for so long,"""
SETTLED: Final = 2 * HOUR
"""and without outages for so long."""
AWAY: Final = 0
THIN: Final = (1.45, 1.95, 3)
"""How many times longer it takes from point to point in a thin spell: for each level of sparsity."""

Stretch = tuple[int, int, int]
"""Start, end and period of a time in which points come regularly, in seconds."""


def deployments(site: Site, start: int, now: int) -> list[tuple[int, int | None]]:
    """Starts and ends of a site's deployments since ``start``, the last without an end."""
    random = Random(site.name)
    begin, end = now - round(site.deployed * DAY), None
    found: list[tuple[int, int | None]] = [(max(begin, start), end)]
    while site.length is not None and begin > start:
        end = begin - round(random.uniform(*site.pause) * DAY)
        begin = end - round(random.uniform(0.8, 1.1) * site.length * DAY)
        if end > start:
            found.append((max(begin, start), end))
    return found[::-1]


def stretches(instrument: Instrument, stream: Stream, start: int, now: int) -> Iterator[Stretch]:
    """When the stream had points since ``start``, and how often; the newest deployment first."""
    newest = now - stream.behind
    for age, (begin, planned_end) in enumerate(reversed(deployments(instrument.site, start, now))):
        end = newest if planned_end is None else min(planned_end, newest)
        if begin < end and not (planned_end is None and stream.method.startswith("recovered")):
            random = Random(f"{instrument.designator} {stream.method} {stream.name} {age}")
            yield from _deployed(stream, begin, end, now, random)


def _deployed(stream: Stream, begin: int, end: int, now: int, random: Random) -> Iterator[Stretch]:
    """The stretches of one deployment: cut wherever something changes, and left out where the stream was away."""
    level = random.randrange(3)
    spells = [
        *(_part(random, begin, end, 0.003, 0.12, AWAY) for _ in range(random.randint(1, stream.outages))),
        *(
            _part(random, begin, end, 0.01, 0.15, THIN[(level + n) % 3])
            for n in range(random.randint(stream.thin // 2, stream.thin))
        ),
    ]
    dense, settled = now - RECENT, now - stream.behind - SETTLED
    edges = {begin, end, dense, settled, *(edge for first, last, _ in spells for edge in (first, last))}
    for low, high in pairwise(sorted(edge for edge in edges if begin <= edge <= end)):
        period = stream.live if stream.live and low >= dense else stream.period
        factors = [factor for first, last, factor in spells if first <= low < last and low < settled]
        if AWAY not in factors:
            yield low, high, round(period * max(factors, default=1))


def lines(instrument: Instrument, stream: Stream, stretch: Stretch) -> list[str]:
    """Points of a stretch as line protocol."""
    head = (
        f"{MEASUREMENT},host={instrument.host},method={stream.method},"
        f"reference_designator={instrument.designator},stream={stream.name}"
    )
    return [f"{head} value={value_at(instrument, time):.4f} {time}000000000" for time in range(*stretch)]


def value_at(instrument: Instrument, time: float) -> float:
    """What the instrument measures at a time: the year, the tide and some unrest."""
    year, tide = math.sin(time * 1.991e-7), math.sin(time * 1.4053e-4)
    return instrument.mean + instrument.swing * (year + 0.3 * tide + 0.05 * math.sin(time * time % 1000))


def _part(random: Random, begin: int, end: int, least: float, most: float, factor: float) -> tuple[int, int, float]:
    """A part of a deployment between so small and so large a share of it, small ones more often."""
    share = math.exp(random.uniform(math.log(least), math.log(most)))
    first = begin + round(random.uniform(0.02, 0.98 - share) * (end - begin))
    return first, first + round(share * (end - begin)), factor
