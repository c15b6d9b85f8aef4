"""Doubts about a table: clocks of another zone, rows that replace others, points that may separate thousands."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tsmon.errors import ImportingError
from tsmon_agent.tables.numbers import is_missing, looks_like_number
from tsmon_agent.tables.zone_names import find_clock_name, find_offset

__all__ = ["check_epoch", "check_points", "count_replaced", "find_zone_name", "refuse_dates"]

_since: Final = re.compile(r"\b(?:since|seit|after)\W*(\d{4})\b", re.IGNORECASE)
_ungrouped: Final = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_point_or_group: Final = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)


def find_zone_name(names: Sequence[str], given: str) -> str:
    """The zone of times that have none, by the names of their columns, if UTC, the default, is ``given``.

    Raises :class:`~tsmon.errors.ImportingError` if a name says that it is another zone, but not its offset.
    """
    if given != "UTC":
        return given
    offsets = {offset for name in names if (offset := find_offset(name))}
    if len(offsets) > 1:
        raise ImportingError(
            f"the columns {' and '.join(names)} have different offsets; name the right one by --timezone"
        )
    if offsets:
        return offsets.pop()
    for name in names:
        if clock := find_clock_name(name):
            raise ImportingError(
                f"the name of the column {name} says that its times are {clock}, not UTC; name the zone by "
                "--timezone, such as Europe/Berlin, or +01:00 for a clock that is never changed (+00:00 for UTC)"
            )
    return given


def check_epoch(time: str, texts: Iterable[str]) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` if texts above numbers name an epoch other than 1970."""
    for text in texts:
        if (found := _since.search(text)) and found[1] != "1970":
            raise ImportingError(
                f"the column {time} counts from {found[1]} ({text}), not from 1970; write its times as dates or as "
                "seconds since 1970"
            )


def count_replaced(keys: Iterable[Sequence[str]], values: Iterable[Sequence[str]]) -> int:
    """How many rows have the time and tags, which are the keys, of an earlier row, but another value."""
    seen: dict[tuple[str, ...], Sequence[str]] = {}
    count = 0
    for key, row in zip(keys, values, strict=True):
        before = seen.setdefault(tuple(key), row)
        count += any(map(_differ, before, row))
    return count


def _differ(one: str, other: str) -> bool:
    """Whether both are values of a kind, of which one would replace the other."""
    if one == other or is_missing(one) or is_missing(other):
        return False
    return looks_like_number(one) == looks_like_number(other)


def refuse_dates(date: str) -> ImportingError:
    """The error for a column of dates on which there are several rows."""
    return ImportingError(
        f"the column {date} holds dates without times, and of several rows with the same date only one would be "
        "kept; name the column of times of day by --time-of-day (with --time-format, such as '%Y-%m-%d %H', if it "
        "holds hours), or a column that tells these rows apart by --tag"
    )


def check_points(cells: Mapping[str, Sequence[str]]) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` if points may separate thousands: 998 and 1.013 in a column.

    That is so only where each number that has a point may be such a number.
    """
    doubtful = ""
    for texts in cells.values():
        pointed = [text for text in texts if "." in text and not is_missing(text)]
        if not all(map(_point_or_group.fullmatch, pointed)):
            return
        if pointed and any(map(_ungrouped.fullmatch, texts)):
            doubtful = doubtful or pointed[0]
    if doubtful:
        raise ImportingError(
            f"{doubtful!r} may be {doubtful.replace('.', '')} or {doubtful}; name the decimal sign by --decimal"
        )
