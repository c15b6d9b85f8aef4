"""What commands print: sentences and tables for people, JSON for programs.

Nothing that comes from outside, such as a name, can control the terminal: see :mod:`tsmon.logs.safe_text`.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from tsmon.logs.safe_text import escape_unprintable, escape_unprintable_lines, has_control_characters

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["confirm", "console", "print_json", "print_table", "say"]

UNLIMITED: Final = 10_000
"""Width of a table that goes to a file or a pipe, so that nothing is cut or wrapped."""


def console(width: int = UNLIMITED) -> "Console":
    """A console on standard output: as wide as the terminal, or of ``width`` for a file or a pipe.

    Only terminals get colours, unless NO_COLOR or FORCE_COLOR is set.
    """
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else width)


def say(text: str, *, err: bool = False) -> None:
    """Print lines on standard output, or on standard error."""
    typer.echo(escape_unprintable_lines(text), err=err)


def confirm(question: str) -> None:
    """Ask a question, and abort the command unless the answer is yes."""
    typer.confirm(escape_unprintable(question), abort=True)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under titles; names from outside are never interpreted as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape_unprintable(cell)) for cell in row))
    console().print(table)


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    typer.echo("\n".join(map(_escaped, text.split("\n"))))


def _escaped(line: str) -> str:
    if not has_control_characters(line):
        return line
    return "".join(f"\\u{ord(one):04x}" if has_control_characters(one) else one for one in line)
