"""Windows of points, as the server answers them."""

from typing import Final

from tsmon.stores.base import Bin
from tsmon.stores.influxdb.annotated_csv import Key, rows

__all__ = ["windows_of_points"]

MAX_NS: Final = 2**63


def windows_of_points(text: str, every_ns: int) -> dict[Key, list[Bin]]:
    """Bins of each tag set, of what ``bins_query`` or ``series_bins_query`` answers.

    Rows of one window and tag set, of several series, are taken together; see :mod:`tsmon.stores.influxdb.queries`.
    """
    found: dict[Key, dict[int, list[int]]] = {}
    for row in rows(text):
        time_ns = row.values["_start" if row.result == "count" else "_time"]
        windows = found.setdefault(row.key, {})
        one = windows.setdefault(time_ns // every_ns * every_ns, [MAX_NS, -MAX_NS, 0])
        if row.result == "count":
            one[2] += row.values["_value"]
        elif row.result == "first":
            one[0] = min(one[0], time_ns)
        else:
            one[1] = max(one[1], time_ns)
    return {tags: [Bin(start, *one) for start, one in sorted(windows.items())] for tags, windows in found.items()}
