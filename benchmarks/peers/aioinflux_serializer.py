"""aioinflux: one compiled serialiser per class; unmaintained, but the most similar library."""

import time
import warnings
from typing import NamedTuple

from benchmarks.emitting import time_emitting
from benchmarks.events import SERVICE, Events
from benchmarks.rounds import Figures

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import aioinflux

__all__ = ["emit"]


@aioinflux.lineprotocol
class Requests(NamedTuple):
    """A request, declared as a point of aioinflux."""

    timestamp: aioinflux.TIMEINT
    service: aioinflux.TAG
    route: aioinflux.TAG
    status_code: aioinflux.TAG
    request_id: aioinflux.STR
    execution_time: aioinflux.FLOAT


def emit(points: int, threads: int) -> Figures:
    """One round of construct, ``to_lineprotocol()``, append to a list."""
    lines: list[bytes] = []

    def serialise(events: Events) -> None:
        for route, status_code, request_id, execution_time in events:
            point = Requests(
                timestamp=time.time_ns(),
                service=SERVICE,
                route=route,
                status_code=status_code,
                request_id=request_id,
                execution_time=execution_time,
            )
            lines.append(point.to_lineprotocol())  # type: ignore[attr-defined]

    figures = time_emitting(serialise, points, threads)
    assert len(lines) >= points
    return figures
