"""How categories are distinguished without colour: by height, which shows how dense data are, and by lines."""

from dataclasses import dataclass
from typing import Final

from tsmon.availability.categories import Category

__all__ = ["STYLES", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """How the pieces of a category are drawn: their height in percent of the row, from its bottom, and lines."""

    height: int
    hatched: bool = False
    outlined: bool = False

    @property
    def y(self) -> int:
        """Top of a piece, in percent from the top of the row."""
        return 100 - self.height


STYLES: Final = {
    Category.NOT_EXPECTED: Style(100, outlined=True),
    Category.PRESENT: Style(100),
    Category.SPARSE_1: Style(76),
    Category.SPARSE_2: Style(54),
    Category.SPARSE_3: Style(32),
    Category.MISSING: Style(100, hatched=True),
}
