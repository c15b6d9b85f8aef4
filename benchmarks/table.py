"""A benchmark's result as a table: in colour on a terminal, plain elsewhere."""

import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.result import BenchmarkResult, Row

__all__ = ["show", "show_ratios"]

PLAIN_WIDTH: Final = 120


def show(result: BenchmarkResult) -> None:
    """Print the rows, and the factor by which tsmon is better."""
    console = _build_console()
    measured = [row for row in result.rows if "unavailable" not in row]
    columns = list(dict.fromkeys(key for row in measured for key in row if key != "name"))
    table = Table(
        "", *(_format_heading(column) for column in columns), "tsmon is better by", box=None, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in measured:
        ratio = result.ratios.get(str(row["name"])) if row.get("threads", 1) == 1 else None
        cells = [_format_cell(row, column) for column in columns]
        table.add_row(str(row["name"]), *cells, "" if ratio is None else f"{ratio:.2f} times")
    console.print(table)
    for row in result.rows:
        if "unavailable" in row:
            console.print(f"{row['name']} is left out: {row['unavailable']}", soft_wrap=True, markup=False)


def show_ratios(result: BenchmarkResult) -> None:
    """Print one line: the factor by which tsmon is better than each peer."""
    parts = ", ".join(f"{ratio:.2f} times {peer}" for peer, ratio in result.ratios.items())
    _build_console().print(
        f"{result.benchmark}: {parts or 'nothing to compare with'}", soft_wrap=True, markup=False
    )


def _build_console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH, color_system=None)


def _format_heading(column: str) -> str:
    return column.replace("_per_", "/").replace("_", " ").replace("us/", "µs/")


def _format_cell(row: Row, column: str) -> str:
    value = row.get(column, "")
    if isinstance(value, float):
        return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value
