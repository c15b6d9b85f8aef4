"""What commands print: tables for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import typer

__all__ = ["print_json", "print_table"]

UNLIMITED: Final = 10_000
"""Width of a table that goes into a file or a pipe: nothing of it is cut or wrapped."""


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under titles; names that come from outside are never taken for markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=UNLIMITED)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
