"""How the categories are told apart without colour: by height, which is how dense data are, and by lines."""

from dataclasses import dataclass
from typing import Final

from tsmon.availability import Category

__all__ = ["STYLES", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """Height of a category's pieces in percent of the row, standing on its ground, and whether they are hatched."""

    height: int
    hatched: bool = False
    outlined: bool = False

    @property
    def y(self) -> int:
        """Where a piece begins, from above."""
        return 100 - self.height


STYLES: Final = {
    Category.NOT_EXPECTED: Style(100, outlined=True),
    Category.PRESENT: Style(100),
    Category.SPARSE_1: Style(76),
    Category.SPARSE_2: Style(54),
    Category.SPARSE_3: Style(32),
    Category.MISSING: Style(100, hatched=True),
}
