"""Names of columns in the files of people and instruments: of times, of none, and of pandas' index."""

import re
from collections.abc import Sequence
from typing import Final

from tsmon.errors import ImportingError
from tsmon_agent.tables.numbers import is_missing
from tsmon_agent.tables.times import has_date

__all__ = [
    "INDEX",
    "INDEX_NAMES",
    "find_time_columns",
    "is_clock_name",
    "is_time_name",
    "name_columns",
]

INDEX: Final = "index"
"""Name of a first column without one that holds times."""

INDEX_NAMES: Final = ("", "Unnamed: 0")
"""Names of a column that pandas writes for its index."""

_times: Final = re.compile(
    "_?time|times|time_?stamp|date_?time|date_and_time|(?:date_?time|time|time_?stamp)_utc|utc|utc_(?:time|date_?time)|ts"
    "|date|day|(?:sample|sampling|measurement|observation|obs|valid|record|local)_(?:time|date|date_?time)"
    "|datum|zeit|zeitstempel|zeitpunkt|uhrzeit|messzeit|datum_(?:und_)?(?:zeit|uhrzeit)|fecha|hora|fecha_(?:y_)?hora"
    "|horodatage|date_(?:et_)?heure|heure|dato|tid|tidspunkt|datum_tid|data_ora"
)
_clocks: Final = re.compile("time|time_utc|utc|time_of_day|clock|zeit|uhrzeit|hora|heure|tid|ora")

_unit: Final = re.compile(r"\s*[(\[{].*?[)\]}]|,.*$")
_separator: Final = re.compile(r"[\W_]+")


def is_time_name(name: str) -> bool:
    """Whether a name is that of a column of times or dates, in any spelling and with a unit behind it."""
    return _times.fullmatch(_normalize(name)) is not None


def is_clock_name(name: str) -> bool:
    """Whether a name is that of a column of times of day."""
    return _clocks.fullmatch(_normalize(name)) is not None


def find_time_columns(names: Sequence[str], given: str | None) -> list[int]:
    """Indices of the columns that hold times by their names, or that of the given name."""
    if given is not None:
        return [index for index, name in enumerate(names) if name == given]
    return [index for index, name in enumerate(names) if is_time_name(name)]


def name_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Names of the columns, empty for those to leave out: without cells, or the counter that pandas writes.

    Raises :class:`~tsmon.errors.ImportingError` if another column has no name.
    """
    found = list(names)
    for index, name in enumerate(names):
        if name and (index or name not in INDEX_NAMES):
            continue
        cells = [row[index] for row in rows if index < len(row) and row[index]]
        if index == 0 and cells and _is_counter(cells):
            found[0] = ""
        elif index == 0 and cells and all(has_date(cell) or is_missing(cell) for cell in cells):
            found[0] = INDEX
        elif cells and not name:
            shown = cells[0] if len(cells[0]) <= 40 else f"{cells[0][:40]}…"
            raise ImportingError(
                f"column {index + 1} has no name, though it holds values such as {shown!r}; name it in the header"
            )
    return found


def _is_counter(cells: Sequence[str]) -> bool:
    return all(cell.isdecimal() and len(cell) < 12 for cell in cells) and all(
        int(cell) == int(cells[0]) + index for index, cell in enumerate(cells)
    )


def _normalize(name: str) -> str:
    return _separator.sub("_", _unit.sub("", name.strip().lower())).strip("_")
