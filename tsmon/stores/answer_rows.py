"""An answer that knows what it consists of, so that an empty one becomes a table with the right columns."""

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["AnswerRows"]

Row = TypeVar("Row")


class AnswerRows(list[Row]):
    """A list of rows of one class, which is its ``kind`` even if there are none."""

    __slots__ = ("kind",)

    def __init__(self, kind: type[Row], rows: Iterable[Row] = ()) -> None:
        super().__init__(rows)
        self.kind = kind
