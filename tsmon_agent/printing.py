"""Line protocol on standard output instead of a store: for looking, and for other programs' pipes."""

import asyncio
import signal
import sys

from tsmon.line_protocol import encode
from tsmon.points import Point
from tsmon.points.agent import SamplerRound
from tsmon.settings import Settings
from tsmon_agent.configured import samplers_from
from tsmon_agent.live import LiveFeed
from tsmon_agent.sampling import Sampling

__all__ = ["print_once", "run_printing"]


def _print(point: Point) -> None:
    if not isinstance(point, SamplerRound):
        sys.stdout.buffer.write(encode(point) + b"\n")
        sys.stdout.buffer.flush()


def _sampling(settings: Settings) -> Sampling:
    agent = settings.agent
    return Sampling(samplers_from(agent), _print, LiveFeed(), host=agent.host, time_limit_s=agent.time_limit)


async def print_once(settings: Settings, prime_s: float) -> bool:
    """One round of every sampler, ``prime_s`` seconds after its first reading; False if any failed."""
    sampling = _sampling(settings)
    try:
        await sampling.prime()
        await asyncio.sleep(prime_s)
        await asyncio.gather(*(sampling.round(state.name) for state in sampling.states))
    finally:
        sampling.stop()
    for state in sampling.states:
        if state.errors:
            print(f"tsmon-agent: the sampler {state.name} failed: {state.last_error}", file=sys.stderr)
    return not any(state.errors for state in sampling.states)


async def run_printing(settings: Settings) -> None:
    """Rounds as the settings say, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sampling = _sampling(settings)
    sampling.start()
    await stop.wait()
    sampling.stop()
