"""Rollups as they lie: each series' windows by themselves.

Of millions of windows the server would write the tags with each number, which are most of an answer then. So
numbers are asked for without any: counts, first and last times are a column each of all series together, in the
order in which the storage reads series (key by key and value by value, as bytes). Which are whose is told by a few
rows with tags: how many numbers each series has, and their sum, by which that order is made sure of.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

import msgspec

from tsmon.errors import StoreError
from tsmon.stores.base import Selector
from tsmon.stores.influxdb.annotated_csv import Key, rows
from tsmon.stores.influxdb.queries import source_of_any
from tsmon.stores.influxdb.rollups.layout import COUNT, FIRST, LAST, rolled_field
from tsmon.stores.window_columns import BinColumns

__all__ = ["windows_of", "windows_query"]

_COLUMNS: Final = {"count": COUNT, "first": FIRST, "last": LAST}

_HEAD: Final = "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,{},,\r\n,result,table,_value"
_HEADS: Final = {_HEAD.format(name): name for name in _COLUMNS}
"""What stands before a column of numbers, and which one that is."""

_BEFORE: Final = "\r\n,,0,"
"""What stands before each number."""

_TABLE_ENDS: Final = "\r\n\r\n"

_integers: Final = msgspec.json.Decoder(list[int])


def windows_query(bucket: str, selectors: Sequence[Selector], start_ns: int, stop_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``: bare numbers; ``length`` and ``sum`` of these for each series."""

    def read(*suffixes: str) -> str:
        fields = [rolled_field(selectors[0], suffix).field for suffix in suffixes]
        return source_of_any(bucket, selectors, start_ns, stop_ns, fields=fields)

    columns = [
        f'{read(suffix)}  |> keep(columns: ["_value"])\n  |> yield(name: "{name}")\n'
        for name, suffix in _COLUMNS.items()
    ]
    told = [
        f'{read(*_COLUMNS.values())}  |> {function}()\n  |> drop(columns: ["_start", "_stop", "_measurement"])\n'
        f'  |> yield(name: "{name}")\n'
        for name, function in (("length", "count"), ("sum", "sum"))
    ]
    return "\n".join(columns + told)


def windows_of(text: str, every_ns: int) -> dict[Key, BinColumns] | None:
    """Bins of what :func:`windows_query` answers; None where it is not understood."""
    columns: dict[str, list[int]] = {}
    rest: list[str] = []
    try:
        for table in text.split(_TABLE_ENDS):
            head, _, numbers = table.lstrip("\r\n").partition(_BEFORE)
            if head in _HEADS:
                columns[_HEADS[head]] = _integers.decode(f"[{numbers.replace(_BEFORE, ',')}]")
            else:
                rest.append(table)
        told = _told(_TABLE_ENDS.join(rest))
        counts, firsts, lasts = (
            _parts(columns.get(name, []), told["length"][name], told["sum"][name]) for name in _COLUMNS
        )
        if not counts.keys() == firsts.keys() == lasts.keys():
            return None
        windows = {key: BinColumns(every_ns, firsts[key], lasts[key], counts[key]) for key in counts}
    except (ValueError, LookupError, msgspec.MsgspecError, StoreError):
        return None
    return windows if all(map(_in_order, windows.values())) else None


def _told(text: str) -> dict[str, dict[str, dict[Key, int]]]:
    """Length and sum of each series' part of each column; raises as its reader does, and LookupError."""
    told: dict[str, dict[str, dict[Key, int]]] = {one: {name: {} for name in _COLUMNS} for one in ("length", "sum")}
    for row in rows(text):
        of_series = told[row.result][row.values["_field"].rpartition(":")[2]]
        if row.key in of_series:
            raise ValueError(f"{row.key} is there twice")
        of_series[row.key] = row.values["_value"]
    return told


def _parts(column: list[int], lengths: Mapping[Key, int], sums: Mapping[Key, int]) -> dict[Key, list[int]]:
    """Each series' part of a column; raises ValueError or LookupError where they are not what was told."""
    parts: dict[Key, list[int]] = {}
    at = 0
    for key in sorted(lengths):
        part = parts[key] = column[at : at + lengths[key]]
        at += len(part)
        if len(part) != lengths[key] or (sum(part) - sums[key]) % 2**64:  # the server's sums overflow
            raise ValueError(f"{key} has other numbers than its own")
    if at != len(column):
        raise ValueError(f"{len(column) - at} numbers are nobody's")
    return parts


def _in_order(windows: BinColumns) -> bool:
    firsts, lasts, counts = windows.firsts, windows.lasts, windows.counts
    return len(firsts) == len(lasts) == len(counts) and all(map(lt, lasts, islice(firsts, 1, None)))
