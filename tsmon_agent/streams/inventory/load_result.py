"""What loading a table has changed."""

from dataclasses import dataclass

__all__ = ["LoadResult"]


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Numbers of rows that were added, that were changed, and that were there already just so."""

    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"
