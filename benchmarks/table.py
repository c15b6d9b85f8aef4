"""A benchmark's outcome as tables for people: with colours on a terminal, plain elsewhere."""

import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.outcome import Outcome, Row

__all__ = ["show", "show_ratios"]

PLAIN_WIDTH: Final = 120


def show(outcome: Outcome) -> None:
    """Print the rows, and how many times better tsmon is."""
    console = _console()
    measured = [row for row in outcome.rows if "unavailable" not in row]
    columns = list(dict.fromkeys(key for row in measured for key in row if key != "name"))
    table = Table("", *(_heading(column) for column in columns), "tsmon is better by", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in measured:
        ratio = outcome.ratios.get(str(row["name"])) if row.get("threads", 1) == 1 else None
        cells = [_cell(row, column) for column in columns]
        table.add_row(str(row["name"]), *cells, "" if ratio is None else f"{ratio:.2f} times")
    console.print(table)
    for row in outcome.rows:
        if "unavailable" in row:
            console.print(f"{row['name']} is left out: {row['unavailable']}", soft_wrap=True, markup=False)


def show_ratios(outcome: Outcome) -> None:
    """Print one line: how many times better tsmon is than each peer."""
    parts = ", ".join(f"{ratio:.2f} times {peer}" for peer, ratio in outcome.ratios.items())
    _console().print(f"{outcome.benchmark}: {parts or 'nothing to compare with'}", soft_wrap=True, markup=False)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH, color_system=None)


def _heading(column: str) -> str:
    return column.replace("_per_", "/").replace("_", " ").replace("us/", "µs/")


def _cell(row: Row, column: str) -> str:
    value = row.get(column, "")
    if isinstance(value, float):
        return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value
