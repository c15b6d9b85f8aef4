"""The health of a sampler."""

import logging
from dataclasses import dataclass

__all__ = ["SamplerHealth"]

_log = logging.getLogger("tsmon")


@dataclass(slots=True)
class SamplerHealth:
    """Counts and latest results of one sampler, since the agent's start."""

    name: str
    interval_s: float
    rounds: int = 0
    errors: int = 0
    """Rounds that failed, completely or partly."""
    last_error: str | None = None
    last_success_ns: int | None = None
    last_duration_s: float | None = None
    """Duration of the last round; the time limit if it was abandoned; None if it still hangs."""
    failing: bool = False

    def record_round(self, time_ns: int, duration_s: float | None, failure: str | None) -> None:
        """Count a round; log when the sampler starts to fail and when it works again."""
        self.rounds += 1
        self.last_duration_s = duration_s
        if failure is None:
            self.last_success_ns = time_ns
            if self.failing:
                _log.info("the sampler %s works again", self.name)
        else:
            self.errors += 1
            self.last_error = failure
            if not self.failing:
                _log.warning("the sampler %s failed: %s; the others continue", self.name, failure)
        self.failing = failure is not None
