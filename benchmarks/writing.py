"""One timed round of writing, the same for every candidate."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Meter", "measure_time"]


@dataclass
class Meter:
    """Seconds between entering and leaving :func:`measure_time`."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def figures(self, points: int) -> dict[str, float]:
        """User and system time of this process, and wall time, in µs per point."""
        return {"us_per_point": self.cpu_s / points * 1e6, "wall_us_per_point": self.wall_s / points * 1e6}


@contextmanager
def measure_time() -> Iterator[Meter]:
    """Context manager around the first point to the response for the last one; imports and set-up come before."""
    meter = Meter()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    yield meter
    meter.cpu_s, meter.wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
