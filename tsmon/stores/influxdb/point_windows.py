"""Windows of points in the server's responses."""

from typing import Final

from tsmon.stores.influxdb.annotated_csv import Key, parse_rows
from tsmon.stores.query_types import Bin

__all__ = ["parse_windows"]

MAX_NS: Final = 2**63


def parse_windows(text: str, every_ns: int) -> dict[Key, list[Bin]]:
    """Bins of each tag set in the response to ``bins_query`` or ``series_bins_query``.

    Rows of several series with one tag set and window become one bin; see :mod:`tsmon.stores.influxdb.queries`.
    """
    found: dict[Key, dict[int, list[int]]] = {}
    for row in parse_rows(text):
        function = row.result.rstrip("012")  # the number of a part of the span
        time_ns = row.values["_start" if function == "count" else "_time"]
        windows = found.setdefault(row.key, {})
        one = windows.setdefault(time_ns // every_ns * every_ns, [MAX_NS, -MAX_NS, 0])
        if function == "count":
            one[2] += row.values["_value"]
        elif function == "first":
            one[0] = min(one[0], time_ns)
        else:
            one[1] = max(one[1], time_ns)
    return {tags: [Bin(start, *one) for start, one in sorted(windows.items())] for tags, windows in found.items()}
