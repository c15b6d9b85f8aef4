"""The series of a schema, as tables in the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsmon.points.schema import SeriesSchema

__all__ = ["print_schema"]


def print_schema(series: Iterable[SeriesSchema]) -> None:
    """Print a table for each measurement; names from outside are never interpreted as markup."""
    console = Console(soft_wrap=False, highlight=False)
    for one in series:
        console.print(Text.assemble((one.measurement, "bold"), f"  {one.module}.{one.class_name}"))
        if one.description:
            console.print(Text(one.description, style="dim"))
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
        for title in ("", "name", "type", "meaning"):
            table.add_column(title)
        for role, columns in (("tag", one.tags), ("field", one.fields)):
            for column in columns:
                kind = f"{column.type}, optional" if column.optional else column.type
                table.add_row(*(Text(cell) for cell in (role, column.name, kind, column.description)))
        console.print(table)
        console.print()
