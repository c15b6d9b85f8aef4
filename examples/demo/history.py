"""The history of an instrument, relative to now and reproducible: deployments, outages, points."""

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final

from examples.demo.instruments import DAY, HOUR, Instrument, Site, Stream

__all__ = ["MEASUREMENT", "make_deployments", "make_lines", "make_stretches", "value_at"]

MEASUREMENT: Final = "samples"
RECENT: Final = 3 * DAY
"""Seconds for which live streams have had their current density."""
SETTLED: Final = 2 * HOUR
"""Seconds for which live streams have had no outages."""
OUTAGE: Final = 0
SPARSE: Final = (1.45, 1.95, 3)
"""Factors of the time between points in a sparse period, one for each level."""

Stretch = tuple[int, int, int]
"""Start, end and period of a regular series of points, in seconds."""


def make_deployments(site: Site, start: int, now: int) -> list[tuple[int, int | None]]:
    """Starts and ends of a site's deployments since ``start``; the last has no end."""
    random = Random(site.name)
    begin, end = now - round(site.deployed * DAY), None
    found: list[tuple[int, int | None]] = [(max(begin, start), end)]
    while site.length is not None and begin > start:
        end = begin - round(random.uniform(*site.pause) * DAY)
        begin = end - round(random.uniform(0.8, 1.1) * site.length * DAY)
        if end > start:
            found.append((max(begin, start), end))
    return found[::-1]


def make_stretches(instrument: Instrument, stream: Stream, start: int, now: int) -> Iterator[Stretch]:
    """Stretches of regular points since ``start``; the newest deployment comes first."""
    newest = now - stream.behind
    for age, (begin, planned_end) in enumerate(reversed(make_deployments(instrument.site, start, now))):
        end = newest if planned_end is None else min(planned_end, newest)
        if begin < end and not (planned_end is None and stream.method.startswith("recovered")):
            random = Random(f"{instrument.designator} {stream.method} {stream.name} {age}")
            yield from _make_deployment_stretches(stream, begin, end, now, random)


def _make_deployment_stretches(stream: Stream, begin: int, end: int, now: int, random: Random) -> Iterator[Stretch]:
    """The stretches of one deployment, split at each change and without outages."""
    level = random.randrange(3)
    spells = [
        *(_draw_spell(random, begin, end, 0.003, 0.12, OUTAGE) for _ in range(random.randint(1, stream.outages))),
        *(
            _draw_spell(random, begin, end, 0.01, 0.15, SPARSE[(level + n) % 3])
            for n in range(random.randint(stream.sparse_periods // 2, stream.sparse_periods))
        ),
    ]
    dense, settled = now - RECENT, now - stream.behind - SETTLED
    edges = {begin, end, dense, settled, *(edge for first, last, _ in spells for edge in (first, last))}
    for low, high in pairwise(sorted(edge for edge in edges if begin <= edge <= end)):
        period = stream.live if stream.live and low >= dense else stream.period
        factors = [factor for first, last, factor in spells if first <= low < last and low < settled]
        if OUTAGE not in factors:
            yield low, high, round(period * max(factors, default=1))


def make_lines(instrument: Instrument, stream: Stream, stretch: Stretch) -> list[str]:
    """Points of a stretch, as line protocol."""
    head = (
        f"{MEASUREMENT},host={instrument.host},method={stream.method},"
        f"reference_designator={instrument.designator},stream={stream.name}"
    )
    return [f"{head} value={value_at(instrument, time):.4f} {time}000000000" for time in range(*stretch)]


def value_at(instrument: Instrument, time: float) -> float:
    """The value of an instrument at a time: an annual cycle, the tide, and noise."""
    year, tide = math.sin(time * 1.991e-7), math.sin(time * 1.4053e-4)
    return instrument.mean + instrument.swing * (year + 0.3 * tide + 0.05 * math.sin(time * time % 1000))


def _draw_spell(
    random: Random, begin: int, end: int, least: float, most: float, factor: float
) -> tuple[int, int, float]:
    """A random part of a deployment, between ``least`` and ``most`` of it; small parts are more frequent."""
    share = math.exp(random.uniform(math.log(least), math.log(most)))
    first = begin + round(random.uniform(0.02, 0.98 - share) * (end - begin))
    return first, first + round(share * (end - begin)), factor
