"""The rules of availability that a request may change, by parameters."""

from dataclasses import replace
from typing import Any, Final

from tsmon.availability import PRESETS, Rules
from tsmon.line_protocol.times import to_time_ns
from tsmon_agent.web.requests.parameters import Parameter, ParameterValues, choice, number, parse_number

__all__ = ["RULES", "change_rules"]


def _parse_bounds(bounds: str) -> tuple[float, ...]:
    found = tuple(map(parse_number, bounds.split(",")))
    if len(found) != 3:
        raise ValueError("must be three numbers, such as 1,1.5,2")
    return found


_PRESET: Final = choice("preset", "Rules to begin with.", PRESETS, None)
_GAP_FRACTION: Final = number(
    "gap_fraction", "A time without data is missing if it is longer than this part of a deployment."
)
_BIN_WIDTH: Final = number("bin_width", "Width in seconds of the bins for which sparsity is computed.")
_BOUNDS: Final[Parameter[tuple[float, ...] | None]] = Parameter(
    name="bounds",
    description="Greatest separations of present, level 1 and level 2, as three ratios with commas between.",
    parse=_parse_bounds,
    default=None,
    example="1,1.5,2",
)
_SPARSE_FLOOR: Final = number("sparse_floor", "A separation of up to this part of a deployment is never sparse.")
_TOLERANCE: Final = number("tolerance", "Added to the first bound.")

RULES: Final = (_PRESET, _GAP_FRACTION, _BIN_WIDTH, _BOUNDS, _SPARSE_FLOOR, _TOLERANCE)


def change_rules(rules: Rules, values: ParameterValues) -> Rules:
    """Rules with what the parameters change.

    Raises :class:`~tsmon.errors.AvailabilityError` and :class:`~tsmon.errors.InvalidPointError`.
    """
    changes: dict[str, Any] = {}
    if (preset := values[_PRESET]) is not None:
        changes = {"gaps": preset.gaps, "sparse_floor": preset.sparse_floor, "tolerance": preset.tolerance}
    for parameter in (_GAP_FRACTION, _SPARSE_FLOOR, _TOLERANCE):
        if (value := values[parameter]) is not None:
            changes[parameter.name] = value
    if (bounds := values[_BOUNDS]) is not None:
        changes["bounds"] = bounds
    if (bin_width := values[_BIN_WIDTH]) is not None:
        changes["bin_width_ns"] = to_time_ns(bin_width)
    return replace(rules, **changes) if changes else rules
