"""Memory of points that wait to be sent."""

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.events import Events, make_events
from benchmarks.rounds import Figures

__all__ = ["measure_memory"]

BATCH: Final = 50_000


def measure_memory(points: int, hold: Callable[[Events], Any], line_bytes: Callable[[], float]) -> Figures:
    """Memory that ``hold`` takes for ``points``, passed to it in batches."""
    load = make_events(min(BATCH, points))
    gc.collect()
    before = _resident_bytes()
    left = points
    while left:
        part = load[:left]
        hold(part)
        left -= len(part)
    gc.collect()
    return {"bytes_per_point": (_resident_bytes() - before) / points, "bytes_per_line": line_bytes()}


def _resident_bytes() -> int:
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError as error:
        raise ImportError(f"resident memory is read from Linux' /proc ({error})") from None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
