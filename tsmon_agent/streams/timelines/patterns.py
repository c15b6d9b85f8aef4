"""How the categories are told apart without colour: by height, which is how dense data are, and by lines."""

from dataclasses import dataclass
from typing import Final

from tsmon.availability import Category

__all__ = ["LOOKS", "Look"]


@dataclass(frozen=True, slots=True)
class Look:
    """Height of a category's pieces in percent of the row, standing on its ground, and whether they are hatched."""

    height: int
    hatched: bool = False
    outlined: bool = False

    @property
    def y(self) -> int:
        """Where a piece begins, from above."""
        return 100 - self.height


LOOKS: Final = {
    Category.NOT_EXPECTED: Look(100, outlined=True),
    Category.PRESENT: Look(100),
    Category.SPARSE_1: Look(76),
    Category.SPARSE_2: Look(54),
    Category.SPARSE_3: Look(32),
    Category.MISSING: Look(100, hatched=True),
}
