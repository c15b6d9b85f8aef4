"""Rollups read as they are stored: the windows of each series, without aggregation.

With millions of windows most of a response would be the tags, which the server repeats with each number. So the
numbers are queried without tags: counts, first and last times are one column each, of all series together, in the
order in which the storage reads series (key by key and value by value, as bytes). A few rows with tags tell which
numbers belong to which series: how many each series has, and their sum, by which the order is verified.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

import msgspec

from tsmon.errors import StoreError
from tsmon.stores.influxdb.annotated_csv import Key, parse_rows
from tsmon.stores.influxdb.queries import source_of_any
from tsmon.stores.influxdb.rollups.layout import COUNT, FIRST, LAST, rolled_field
from tsmon.stores.influxdb.whole_windows import WIDEST_NS
from tsmon.stores.query_types import Selector
from tsmon.stores.window_columns import BinColumns

__all__ = ["columns_query", "parse_columns"]

_COLUMNS: Final = {"count": COUNT, "first": FIRST, "last": LAST}

_HEAD: Final = "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,{},,\r\n,result,table,_value"
_HEADS: Final = {_HEAD.format(name): name for name in _COLUMNS}
"""The header of each column of numbers, and the name of that column."""

_BEFORE: Final = "\r\n,,0,"
"""The text before each number."""

_TABLE_ENDS: Final = "\r\n\r\n"

_integers: Final = msgspec.json.Decoder(list[int])


def columns_query(bucket: str, selectors: Sequence[Selector], start_ns: int, stop_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``: bare numbers; ``length`` and ``sum`` of these for each series."""

    def read(*suffixes: str) -> str:
        fields = [rolled_field(selectors[0], suffix).field for suffix in suffixes]
        return source_of_any(bucket, selectors, start_ns, stop_ns, fields=fields)

    columns = [
        f'{read(suffix)}  |> keep(columns: ["_value"])\n  |> yield(name: "{name}")\n'
        for name, suffix in _COLUMNS.items()
    ]
    checks = [
        f"{read(*_COLUMNS.values())}  |> window(every: {WIDEST_NS}ns)\n  |> {function}()\n"
        '  |> drop(columns: ["_stop", "_measurement"])\n'
        f'  |> yield(name: "{name}")\n'
        for name, function in (("length", "count"), ("sum", "sum"))
    ]
    return "\n".join(columns + checks)


def parse_columns(text: str, every_ns: int) -> dict[Key, BinColumns] | None:
    """Bins of each series in the response to :func:`columns_query`; None if the response is not understood."""
    columns: dict[str, list[int]] = {}
    rest: list[str] = []
    try:
        for table in text.split(_TABLE_ENDS):
            head, _, numbers = table.lstrip("\r\n").partition(_BEFORE)
            if head in _HEADS:
                columns[_HEADS[head]] = _integers.decode(f"[{numbers.replace(_BEFORE, ',')}]")
            else:
                rest.append(table)
        checks = _parse_checks(_TABLE_ENDS.join(rest))
        counts, firsts, lasts = (
            _split_column(columns.get(name, []), checks["length"][name], checks["sum"][name]) for name in _COLUMNS
        )
        if not counts.keys() == firsts.keys() == lasts.keys():
            return None
        windows = {key: BinColumns(every_ns, firsts[key], lasts[key], counts[key]) for key in counts}
    except (ValueError, LookupError, msgspec.MsgspecError, StoreError):
        return None
    return windows if all(map(_is_ordered, windows.values())) else None


def _parse_checks(text: str) -> dict[str, dict[str, dict[Key, int]]]:
    """Length and sum of each series' part of each column; raises as :func:`parse_rows` does, and LookupError."""
    checks: dict[str, dict[str, dict[Key, int]]] = {
        one: {name: {} for name in _COLUMNS} for one in ("length", "sum")
    }
    seen = set()
    for row in parse_rows(text):
        # A series that begins before the epoch and ends after it has two rows, with different starts.
        field, start_ns = row.values["_field"].rpartition(":")[2], row.values.get("_start")
        if (row.result, field, row.key, start_ns) in seen:
            raise ValueError(f"{row.key} is there twice")
        seen.add((row.result, field, row.key, start_ns))
        of_series = checks[row.result][field]
        of_series[row.key] = of_series.get(row.key, 0) + row.values["_value"]
    return checks


def _split_column(column: list[int], lengths: Mapping[Key, int], sums: Mapping[Key, int]) -> dict[Key, list[int]]:
    """Each series' part of a column; raises ValueError or LookupError if lengths or sums do not agree."""
    parts: dict[Key, list[int]] = {}
    at = 0
    for key in sorted(lengths):
        part = parts[key] = column[at : at + lengths[key]]
        at += len(part)
        if len(part) != lengths[key] or (sum(part) - sums[key]) % 2**64:  # the server's sums overflow
            raise ValueError(f"{key} has numbers of another series")
    if at != len(column):
        raise ValueError(f"{len(column) - at} numbers belong to no series")
    return parts


def _is_ordered(windows: BinColumns) -> bool:
    firsts, lasts, counts = windows.firsts, windows.lasts, windows.counts
    return len(firsts) == len(lasts) == len(counts) and all(map(lt, lasts, islice(firsts, 1, None)))
