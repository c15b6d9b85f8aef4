"""How a sampler does."""

import logging
from dataclasses import dataclass

__all__ = ["SamplerHealth"]

_log = logging.getLogger("tsmon")


@dataclass(slots=True)
class SamplerHealth:
    """Counts and the last outcomes of one sampler, since the agent's start."""

    name: str
    interval_s: float
    rounds: int = 0
    errors: int = 0
    """Rounds that failed, wholly or in part."""
    last_error: str | None = None
    last_success_ns: int | None = None
    last_duration_s: float | None = None
    """How long the last round took; of one that was given up, its time limit; None where it still hangs."""
    failing: bool = False

    def round_ended(self, time_ns: int, duration_s: float | None, failure: str | None) -> None:
        """Count a round, and log when the sampler begins to fail and when it works again."""
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
                _log.warning("the sampler %s failed: %s; the others go on", self.name, failure)
        self.failing = failure is not None
