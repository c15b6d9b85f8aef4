"""One timed round of emitting, the same for every candidate."""

import gc
import threading
import time
from collections.abc import Callable
from typing import Final

from benchmarks.events import Events, make_events
from benchmarks.rounds import Figures

__all__ = ["Emit", "time_emitting"]

Emit = Callable[[Events], object]
"""Emits events one by one, as the handlers of a service would."""

WARM_UP: Final = 2_000


def time_emitting(emit: Emit, points: int, threads: int) -> Figures:
    """CPU time and wall time, in µs per point, of emitting ``points`` from ``threads`` at once."""
    emit(make_events(WARM_UP))
    share = make_events(points // threads)
    barrier = threading.Barrier(threads + 1)

    def work() -> None:
        barrier.wait()
        emit(share)

    workers = [threading.Thread(target=work) for _ in range(threads if threads > 1 else 0)]
    for worker in workers:
        worker.start()
    gc.collect()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    if workers:
        barrier.wait()
        for worker in workers:
            worker.join()
    else:
        emit(share)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    count = len(share) * threads
    return {"us_per_point": cpu_s / count * 1e6, "wall_us_per_point": wall_s / count * 1e6}
