"""The events that benchmarks record: completed HTTP requests of a service."""

import functools
import random
import uuid
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["SERVICE", "Event", "Events", "make_events"]

SERVICE: Final = "shop"
ROUTES: Final = tuple(
    f"{method}:/api/v1/{name}" for method in ("GET", "POST") for name in ("a", "b", "c", "d", "e")
)
STATUSES: Final = (200, 201, 404, 500)


class Event(NamedTuple):
    """One request: two tags from small sets, a unique id, and a duration in seconds of full precision."""

    route: str
    status_code: int
    request_id: str
    execution_time: float


Events = Sequence[Event]


@functools.cache
def make_events(count: int) -> Events:
    """``count`` requests, the same in every process."""
    choice = random.Random(count)
    return [
        Event(
            choice.choice(ROUTES),
            choice.choice(STATUSES),
            str(uuid.UUID(int=choice.getrandbits(128), version=4)),
            choice.random(),
        )
        for _ in range(count)
    ]
