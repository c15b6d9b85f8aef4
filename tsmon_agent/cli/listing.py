"""Lists that commands print: a table for people, JSON for programs, or a sentence if there is nothing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tsmon.cli.terminal import print_json, print_table, say

__all__ = ["print_list"]

T = TypeVar("T")


def print_list(
    found: Sequence[T],
    *,
    as_json: bool,
    to_json: Callable[[T], Any],
    titles: Sequence[str],
    to_cells: Callable[[T], Sequence[str]],
    if_empty: str,
) -> None:
    """Print entries as JSON, or as rows under titles."""
    if as_json:
        print_json([to_json(one) for one in found])
    elif found:
        print_table(titles, map(to_cells, found))
    else:
        say(if_empty)
