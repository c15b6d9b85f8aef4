"""Line protocol on standard output instead of a store: to look at, or to pipe into other programs."""

import asyncio
import os
import signal
import sys

from tsmon.line_protocol import Encoding
from tsmon.points import Point
from tsmon.points.self_metrics import SamplerRound
from tsmon_agent.host.sampling.from_settings import build_samplers
from tsmon_agent.host.sampling.live_feed import LiveFeed
from tsmon_agent.host.sampling.scheduler import Sampling
from tsmon_agent.settings import Settings

__all__ = ["print_once", "print_rounds"]


class _Printer:
    """Prints lines; ``stopped`` is set when nobody reads them any more, or on a signal."""

    def __init__(self, settings: Settings) -> None:
        monitoring = settings.monitoring
        self._encoding = Encoding(
            monitoring.service, tags=monitoring.tags, tags_as_fields=monitoring.tags_as_fields
        )
        self._lines: list[str] = []
        self.stopped = asyncio.Event()

    def emit(self, point: Point) -> None:
        if isinstance(point, SamplerRound):
            return
        line = self._encoding.encode(point)
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        text = "".join(f"{line}\n" for line in self._lines)
        self._lines.clear()
        try:
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            self.stopped.set()
            # Otherwise Python reports the broken pipe again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _build_sampling(settings: Settings, printer: _Printer) -> Sampling:
    agent = settings.agent
    return Sampling(build_samplers(agent), printer.emit, LiveFeed(), host=agent.host, time_limit_s=agent.time_limit)


async def print_once(settings: Settings, prime_s: float) -> bool:
    """Print one round of every sampler, ``prime_s`` seconds after its first reading; False if any failed."""
    printer = _Printer(settings)
    sampling = _build_sampling(settings, printer)
    try:
        await sampling.prime()
        await asyncio.sleep(prime_s)
        await asyncio.gather(*(sampling.run_round(one.name) for one in sampling.health))
        printer.flush()
    finally:
        sampling.stop()
    return not any(one.errors for one in sampling.health)


async def print_rounds(settings: Settings) -> None:
    """Print rounds at the intervals of the settings, until SIGTERM or SIGINT, or until nobody reads any more."""
    printer = _Printer(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, printer.stopped.set)
    sampling = _build_sampling(settings, printer)
    sampling.start()
    await printer.stopped.wait()
    sampling.stop()
    printer.flush()
