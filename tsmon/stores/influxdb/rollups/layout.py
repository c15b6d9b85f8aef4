"""Where rollups are stored in InfluxDB.

Each tier has a bucket beside that of the points, ``<bucket>_15m``, with the tier's retention. Measurements and tags
in it are those of the points; the time of a rollup is the start of its window. A field ``f`` becomes ``f:count``
(integer), ``f:first`` and ``f:last`` (times of the first and last value, integer nanoseconds), and, if it holds
numbers, ``f:mean`` (float).

How far each measurement is rolled up is noted in the bucket of the points: measurement ``tsmon_rollups``, tags
``rolled`` (the measurement) and ``every_ns``, integer fields ``since``, ``until`` and ``keep`` (nanoseconds; 0: for
ever).
"""

from typing import Final

from tsmon.stores.query_types import Selector
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

__all__ = ["COUNT", "FIRST", "LAST", "MEAN", "PROGRESS", "rolled_field", "tier_bucket", "tier_name"]

PROGRESS: Final = "tsmon_rollups"
COUNT: Final = ":count"
FIRST: Final = ":first"
LAST: Final = ":last"
MEAN: Final = ":mean"

_UNITS: Final = (("d", DAY_NS), ("h", HOUR_NS), ("m", MINUTE_NS), ("s", SECOND_NS))


def rolled_field(selector: Selector, suffix: str) -> Selector:
    """Selector of one of the values above, for the selected field."""
    return Selector(selector.measurement, selector.field + suffix, selector.tags)


def tier_name(every_ns: int) -> str:
    """Name of a tier by its width, such as ``15m``; ``1500000000ns`` if no unit fits."""
    for unit, length_ns in _UNITS:
        if every_ns % length_ns == 0:
            return f"{every_ns // length_ns}{unit}"
    return f"{every_ns}ns"


def tier_bucket(bucket: str, every_ns: int) -> str:
    """Name of the bucket of a tier."""
    return f"{bucket}_{tier_name(every_ns)}"
