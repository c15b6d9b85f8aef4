"""Section ``[availability]``: what counts as a gap, and what as sparse."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tsmon.availability import PRESETS, Category, Rules, recolor_appearances
from tsmon.availability.times import to_duration_ns
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import to_time_ns
from tsmon.settings.section import Section
from tsmon.time_units import SECOND_NS

__all__ = ["AvailabilitySettings"]

CategoryName = Literal["not_expected", "present", "sparse_1", "sparse_2", "sparse_3", "missing"]


def _parse_seconds(value: object) -> object:
    """Seconds of a duration such as ``"6min"``; anything else, a number as text too, as it is."""
    if not isinstance(value, str) or value.strip().replace(".", "", 1).isdecimal():
        return value
    try:
        return to_duration_ns(value, "bin_width") / SECOND_NS
    except AvailabilityError:
        return value  # refused as a number would be


class AvailabilitySettings(Section):
    """The rules of all streams; see ``tsmon.toml`` for the meaning of each key."""

    preset: Literal["exact", "bins"] = "exact"
    gap_fraction: float = 0.001
    bin_width: Annotated[float, BeforeValidator(_parse_seconds), Field(gt=0, le=1e9)] = 86_400.0
    bounds: Annotated[list[float], Field(min_length=3, max_length=3)] = [1.0, 1.5, 2.0]
    sparse_floor: float | None = None
    tolerance: float | None = None
    colors: dict[CategoryName, str] = {}

    def rules(self) -> Rules:
        """The rules of a stream without rules of its own."""
        preset = PRESETS[self.preset]
        first, second, third = self.bounds
        return replace(
            preset,
            gap_fraction=self.gap_fraction,
            bin_width_ns=to_time_ns(self.bin_width),
            bounds=(first, second, third),
            sparse_floor=preset.sparse_floor if self.sparse_floor is None else self.sparse_floor,
            tolerance=preset.tolerance if self.tolerance is None else self.tolerance,
            appearances=recolor_appearances({Category[name.upper()]: color for name, color in self.colors.items()}),
        )

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        self.rules()
        return self
