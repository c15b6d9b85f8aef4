"""Section ``[rollups]``: the widths of windows in which the agent's store keeps rollups, and for how long."""

from typing import Self

from pydantic import model_validator

from tsmon.settings.durations import format_duration, parse_duration
from tsmon.settings.section import Section
from tsmon.stores.rollup_tiers import DEFAULT_TIERS, RollupTier, validate_tiers

__all__ = ["RollupSettings"]


class RollupSettings(Section):
    """Rollups; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    tiers: dict[str, str] = {format_duration(one.every_ns): format_duration(one.keep_ns) for one in DEFAULT_TIERS}

    @property
    def effective_tiers(self) -> tuple[RollupTier, ...]:
        """The tiers, from the narrowest to the widest; none if rollups are off."""
        return self._parse_tiers() if self.enabled else ()

    def _parse_tiers(self) -> tuple[RollupTier, ...]:
        tiers = []
        for every, keep in self.tiers.items():
            every_ns = parse_duration(every)
            if every_ns is None:
                raise ValueError("a tier cannot be forever wide; name its width, such as 1h")
            tiers.append(RollupTier(every_ns, parse_duration(keep)))
        return validate_tiers(tiers)

    @model_validator(mode="after")
    def _check_tiers(self) -> Self:
        self._parse_tiers()
        return self
