"""When to try again: exponential back-off with full jitter."""

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Delays in seconds, each drawn uniformly from 0 up to a ceiling that doubles until it is ``longest_s``.

    Full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015) keeps many clients from returning in step.
    A small minimum keeps a short draw from hammering a server that has just refused.
    """

    def __init__(
        self,
        first_s: float = 0.5,
        longest_s: float = 30.0,
        draw: Callable[[float, float], float] | None = None,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._draw = draw or random.uniform
        self.failures = 0
        """Failures since the last success."""

    def next_delay_s(self, retry_after_s: float | None = None) -> float:
        """Count a failure; returns the delay before the next try, at least ``retry_after_s``."""
        ceiling = min(self._longest_s, self._first_s * 2.0 ** min(self.failures, 60))
        self.failures += 1
        delay = max(self._draw(0.0, ceiling), self._first_s / 5)
        return max(delay, retry_after_s) if retry_after_s is not None else delay

    def reset(self) -> None:
        """Count a success."""
        self.failures = 0
