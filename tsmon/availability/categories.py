"""The six categories of a time interval, and their appearances."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tsmon.errors import AvailabilityError

__all__ = ["APPEARANCES", "Appearance", "Category", "recolor_appearances"]

_colour: Final = re.compile(r"#[0-9a-fA-F]{6}")


class Category(enum.IntEnum):
    """What is known about a time interval."""

    NOT_EXPECTED = 0
    PRESENT = 1
    SPARSE_1 = 2
    SPARSE_2 = 3
    SPARSE_3 = 4
    MISSING = 5


@dataclass(frozen=True, slots=True)
class Appearance:
    """Name, colour (``#rrggbb``) and explanation of a category."""

    name: str
    color: str
    text: str

    def __post_init__(self) -> None:
        if not _colour.fullmatch(self.color):
            raise AvailabilityError(f"the colour of {self.name} is {self.color!r}; give it as #rrggbb")


APPEARANCES: Final = (
    Appearance("Not Expected", "#ffffff", "No data are expected in this interval."),
    Appearance("Present", "#5cb85c", "Data are as dense as in the whole data set, or denser."),
    Appearance("Sparsity Level 1", "#7bcb7b", "Data are up to 1.5 times as far apart as in the whole data set."),
    Appearance("Sparsity Level 2", "#90d890", "Data are up to twice as far apart as in the whole data set."),
    Appearance("Sparsity Level 3", "#ace9ac", "Data are more than twice as far apart as in the whole data set."),
    Appearance("Missing", "#d9534d", "There are no data in this interval."),
)
"""Default appearances, in the order of the categories: ``APPEARANCES[Category.MISSING]``."""


def recolor_appearances(colors: Mapping[Category, str]) -> tuple[Appearance, ...]:
    """:data:`APPEARANCES` with other colours for some categories."""
    return tuple(
        replace(APPEARANCES[category], color=colors.get(category, APPEARANCES[category].color))
        for category in Category
    )
