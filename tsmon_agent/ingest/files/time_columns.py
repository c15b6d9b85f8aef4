"""Finds the column of a table's times, or the columns of its dates and times of day."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.column_mapping import ColumnMapping
from tsmon_agent.ingest.files.column_names import INDEX, find_time_columns, is_clock_name
from tsmon_agent.tables.numbers import is_missing
from tsmon_agent.tables.times import DATE_ORDERS, has_date, is_time_of_day

__all__ = ["FEW", "TimeColumns", "find_time"]

FEW: Final = 0.05
"""A column is of a kind though so small a part of its cells is not; the rows of those are rejected."""

HALVES: Final = frozenset({"am", "pm"})


class TimeColumns(NamedTuple):
    """The column of times, or that of dates and that of times of day; and those that repeat them."""

    time: str
    clock: str | None = None
    repeated: Sequence[str] = ()


def find_time(mapping: ColumnMapping, values: Mapping[str, Sequence[str]]) -> TimeColumns:
    """Find them by names and values; raises :class:`~tsmon.errors.ImportingError` if there is none, or a doubt."""
    names = list(values)
    found = [names[index] for index in find_time_columns(names, mapping.time)]
    if not found and names[:1] == [INDEX] and _are_mostly(values[INDEX], has_date):
        found = [INDEX]
    if not found and mapping.time is None and any(map(has_date, names)):
        raise ImportingError(f"the first row ({', '.join(names[:4])}) holds values; put names of columns above it")
    if not found:
        raise ImportingError(f"none of the columns {', '.join(names)} is called time; name it by --time")
    if mapping.time_of_day is not None or mapping.time_format not in (None, "iso", *DATE_ORDERS):
        return TimeColumns(_take_one(found, "time", "--time"), mapping.time_of_day)
    clocks = [name for name in names if _are_mostly(values[name], is_time_of_day)]
    dates = [name for name in found if _are_mostly(values[name], _is_only_date)]
    whole = [name for name in found if name not in clocks and name not in dates]
    if whole:
        time = _take_one([name for name in whole if values[name]] or whole[:1], "time", "--time")
        return TimeColumns(time, None, () if mapping.time else [name for name in found if name != time])
    if not dates:
        raise ImportingError(
            f"the column {found[0]} holds times of day; name the column of the dates by --time, "
            "and that of the times by --time-of-day"
        )
    _refuse_halves_of_days(values)
    date = _take_one(dates, "date", "--time")
    known = [name for name in clocks if is_clock_name(name)]
    if not known and len(set(values[date])) == len(values[date]):
        return TimeColumns(date)
    if known or clocks:
        if not known:
            raise ImportingError(
                f"the times of day may be in the column {' or '.join(clocks)}; name it by --time-of-day"
            )
        return TimeColumns(date, _take_one(known, "time of day", "--time-of-day"))
    return TimeColumns(date)


def _refuse_halves_of_days(values: Mapping[str, Sequence[str]]) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` for a column of AM and PM beside the one of the times of day."""
    for name, texts in values.items():
        if _are_mostly(texts, lambda text: text.strip().lower().replace(".", "") in HALVES):
            raise ImportingError(
                f"the column {name} holds AM and PM, which belong to the times of day; write both into one column"
            )


def _take_one(names: Sequence[str], what: str, option: str) -> str:
    if len(names) > 1:
        raise ImportingError(f"the columns {' and '.join(names)} may both be the {what}; name it by {option}")
    return names[0]


def _are_mostly(texts: Sequence[str], test: Callable[[str], bool]) -> bool:
    present = [text for text in texts if not is_missing(text)]
    return bool(present) and sum(not test(text) for text in present) <= FEW * len(present)


def _is_only_date(text: str) -> bool:
    return has_date(text, only=True)
