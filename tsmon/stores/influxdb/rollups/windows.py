"""Rollups as they lie: each series' windows by themselves."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import lt
from typing import Final

import msgspec

from tsmon.stores.base import Selector
from tsmon.stores.influxdb.flux import source_of_any
from tsmon.stores.influxdb.rollups.names import COUNT, FIRST, LAST, rolled_field
from tsmon.stores.windows import Windows

__all__ = ["windows_of", "windows_query"]

Key = tuple[tuple[str, str], ...]

_integers: Final = msgspec.json.Decoder(list[int])

FIXED: Final = 4
"""Columns before the tags: an empty one, result, table, value."""


def windows_query(bucket: str, selectors: Sequence[Selector], start_ns: int, stop_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``: a table for each series, with a value for each rollup."""
    columns = '"_start", "_stop", "_time", "_measurement", "_field"'
    return "\n".join(
        f"{source_of_any(bucket, [rolled_field(one, suffix) for one in selectors], start_ns, stop_ns)}"
        f'  |> drop(columns: [{columns}])\n  |> yield(name: "{name}")\n'
        for name, suffix in (("count", COUNT), ("first", FIRST), ("last", LAST))
    )


def windows_of(text: str, every_ns: int) -> dict[Key, Windows] | None:
    """Bins of what :func:`windows_query` answers; None where it is not understood.

    Millions of numbers are read not row by row, but a table at a time: what stands between two of its numbers is
    the same throughout, as it is made of the tags.
    """
    found: dict[Key, dict[str, list[int]]] = {}
    try:
        for block in text.split("\r\n\r\n"):
            if block in ("", "\r\n"):
                continue  # a result without series
            _, _, default, names, body = block.lstrip("\r\n").split("\r\n", 4)
            result = default.split(",")[1]
            columns = names.split(",")
            if columns[:FIXED] != ["", "result", "table", "_value"] or result not in ("count", "first", "last"):
                return None
            for tags, numbers in _tables(f"{body.rstrip()}\r\n", columns[FIXED:]):
                found.setdefault(tags, {})[result] = numbers
    except (ValueError, IndexError, csv.Error, msgspec.MsgspecError):
        return None
    windows: dict[Key, Windows] = {}
    for tags, one in found.items():
        counts, firsts, lasts = (one.get(name, []) for name in ("count", "first", "last"))
        if not len(counts) == len(firsts) == len(lasts) or not all(map(lt, lasts, islice(firsts, 1, None))):
            return None
        windows[tags] = Windows(every_ns, firsts, lasts, counts)
    return windows


def _tables(body: str, names: Sequence[str]) -> Iterator[tuple[Key, list[int]]]:
    """Tags and values of each table of a block, in which every line ends by CR LF; raises as its readers do."""
    at = 0
    while at < len(body):
        line = body[at : body.index("\r\n", at)]
        number, value = line.split(",", FIXED)[2:FIXED]
        prefix = f",,{number},"
        rest = line[len(prefix) + len(value) :]
        end = body.find(f"\r\n,,{int(number) + 1},", at)
        end = len(body) - 2 if end < 0 else end
        values = body[at + len(prefix) : end].removesuffix(rest).replace(f"{rest}\r\n{prefix}", ",")
        cells = next(csv.reader([rest[1:]], strict=True)) if rest else []
        yield (
            tuple(sorted((name, cell) for name, cell in zip(names, cells, strict=True) if cell)),
            _integers.decode(f"[{values}]"),
        )
        at = end + 2
