"""Section ``[rollups]``: in which windows the agent's store keeps summaries, and for how long."""

from typing import Self

from pydantic import model_validator

from tsmon.settings.durations import duration_ns, duration_text
from tsmon.settings.monitoring import Section
from tsmon.stores.rollup_tiers import DEFAULT_RUNGS, Rung, checked_rungs

__all__ = ["RollupSettings"]


class RollupSettings(Section):
    """Rollups; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    rungs: dict[str, str] = {duration_text(one.every_ns): duration_text(one.keep_ns) for one in DEFAULT_RUNGS}

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs, from the narrowest to the widest; none where rollups are off."""
        return self._rungs() if self.enabled else ()

    def _rungs(self) -> tuple[Rung, ...]:
        rungs = []
        for every, keep in self.rungs.items():
            every_ns = duration_ns(every)
            if every_ns is None:
                raise ValueError("a rung cannot be forever wide; name its width, such as 1h")
            rungs.append(Rung(every_ns, duration_ns(keep)))
        return checked_rungs(rungs)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        self._rungs()
        return self
