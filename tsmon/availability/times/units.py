"""The unit of times that are numbers, and whether a number can be meant in it.

A number alone does not say what it counts: ``1700000000`` is a time of 2023 in seconds, and less than two seconds
after the beginning of 1970 in nanoseconds. So a number that lies before 1990 or after 2100 is refused with the unit
that it looks like, unless the unit was named. Dates are never in doubt.
"""

import math
import numbers
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn, Self

from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.threads.locks import raise_interruption
from tsmon.time_units import DAY_NS, HOUR_NS, MILLISECOND_NS, MINUTE_NS, SECOND_NS

__all__ = ["RECENT_NS", "UNITS_NS", "UNIT_NAMES", "Units", "shorten"]

RECENT_NS: Final = (631_152_000 * SECOND_NS, 4_133_980_800 * SECOND_NS)
"""From the beginning of 1990 to the end of 2100."""

UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": MILLISECOND_NS,
    "s": SECOND_NS,
    "min": MINUTE_NS,
    "h": HOUR_NS,
    "D": DAY_NS,
}
UNIT_NAMES: Final = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "min": "minutes",
    "h": "hours",
    "D": "days",
}
_OTHER_NAMES: Final = {"µs": "us", "μs": "us", "m": "min", "H": "h", "d": "D"}
_LIKELY: Final = ("s", "ms", "us", "ns")
"""Units that people use since 1970. Days are left out: those of Excel and MATLAB count from other days."""


@dataclass(frozen=True, slots=True)
class Units:
    """What integers and other numbers count since 1970.

    ``is_named`` says that the unit was named, so that any number is a time. ``remedy`` says how to name it.
    """

    integer: str = "ns"
    other: str = "s"
    is_named: bool = False
    remedy: str = "name its unit, such as unit={!r}"

    @classmethod
    def of(cls, unit: object) -> Self:
        """Units of a name such as ``"ms"`` or ``"milliseconds"``; of None those of numbers without a unit."""
        if unit is None:
            return cls()
        name = _OTHER_NAMES.get(unit, unit) if isinstance(unit, str) else ""
        for known, long_name in UNIT_NAMES.items():
            if name in (known, long_name, long_name[:-1]):
                return cls(known, known, is_named=True)
        raise AvailabilityError(f"there is no unit {shorten(unit)}; there are {', '.join(map(repr, UNIT_NAMES))}")

    def name_of(self, number: object) -> str:
        """Unit of a number."""
        return self.integer if isinstance(number, numbers.Integral) else self.other

    def length_ns(self, *, integers: bool) -> int:
        """Nanoseconds of one unit."""
        return UNITS_NS[self.integer if integers else self.other]

    def are_plausible(self, lowest: Any, highest: Any, *, integers: bool) -> bool:
        """Whether all numbers between these two can be meant in their unit."""
        length_ns = self.length_ns(integers=integers)
        return self.is_named or (RECENT_NS[0] <= lowest * length_ns and highest * length_ns < RECENT_NS[1])

    def convert(self, number: Any) -> int:
        """Nanoseconds of a finite number; raises :class:`AvailabilityError` for one that cannot be meant."""
        if isinstance(number, numbers.Integral):
            time_ns = int(number) * UNITS_NS[self.integer]
        else:
            time_ns = _round(number, UNITS_NS[self.other])
        if not self.is_named and not RECENT_NS[0] <= time_ns < RECENT_NS[1]:
            self.refuse(number)
        if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
            name = UNIT_NAMES[self.name_of(number)]
            raise AvailabilityError(f"{shorten(number)} in {name} is outside of the years 1677 to 2262; correct it")
        return time_ns

    def refuse(self, number: Any) -> NoReturn:
        """Raise :class:`AvailabilityError` for a number before 1990 or after 2100, with the likely unit."""
        meant = self.name_of(number)
        times = {unit: _round(number, UNITS_NS[unit]) for unit in _LIKELY if unit != meant}
        likely = next((unit for unit, time_ns in times.items() if RECENT_NS[0] <= time_ns < RECENT_NS[1]), None)
        side = "before 1990" if number < RECENT_NS[0] / UNITS_NS[meant] else "after 2100"
        guess = "if it is a time," if likely is None else f"it looks like {UNIT_NAMES[likely]}:"
        raise AvailabilityError(
            f"{shorten(number)} in {UNIT_NAMES[meant]} is {side}; {guess} {self.remedy.format(likely or meant)}"
        )


def _round(number: Any, unit_ns: int) -> int:
    """Nanoseconds, rounded from the exact value."""
    if isinstance(number, numbers.Integral):
        return int(number) * unit_ns
    if isinstance(number, float):
        if not math.isfinite(number):
            raise AvailabilityError(f"{number} is not a time; give a finite number")
        whole = math.floor(number)
        return whole * unit_ns + round((number - whole) * unit_ns)
    if not isinstance(number, numbers.Rational | Decimal):
        return _round(float(number), unit_ns)
    from fractions import Fraction

    exact: Any = number
    # Bounded first, because the integer of 1e999999 would fill the memory.
    if not abs(exact) < MAX_TIME_NS:
        return 10**30 if exact > 0 else -(10**30)
    return round(Fraction(exact) * unit_ns)


def shorten(value: object) -> str:
    """Text of a value for a message, of bounded length."""
    try:
        text = str(value) if isinstance(value, Decimal) else " ".join(repr(value).split())
    except Exception as error:
        raise_interruption(error)
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "…"
