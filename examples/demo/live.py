"""New points of the live instruments, emitted through the agent's Monitor."""

import asyncio
import time

from examples.demo.history import MEASUREMENT, value_at
from examples.demo.instruments import INSTRUMENTS, Instrument, Stream
from tsmon import Monitor, Point, Tag

__all__ = ["Sample", "produce"]


class Sample(Point, measurement=MEASUREMENT):
    """One value of an instrument."""

    reference_designator: Tag[str]
    method: Tag[str]
    stream: Tag[str]
    host: Tag[str]
    value: float


async def produce(monitor: Monitor) -> None:
    """Emit a point of each live stream now, then at its period, until cancelled."""
    due = {(instrument, stream): 0.0 for instrument in INSTRUMENTS for stream in instrument.streams if stream.live}
    while True:
        now = time.time()
        for (instrument, stream), at in due.items():
            if now < at or (at and _is_silent(stream, now)):
                continue
            monitor.emit(_build_sample(instrument, stream, now))
            due[instrument, stream] = now + (stream.live or 0)
        await asyncio.sleep(1)


def _build_sample(instrument: Instrument, stream: Stream, now: float) -> Sample:
    measured = now - stream.behind
    return Sample(
        time=measured,
        reference_designator=instrument.designator,
        method=stream.method,
        stream=stream.name,
        host=instrument.host,
        value=value_at(instrument, measured),
    )


def _is_silent(stream: Stream, now: float) -> bool:
    return stream.falters and now % 240 > 120
