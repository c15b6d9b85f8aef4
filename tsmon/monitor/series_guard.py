"""A guard against high cardinality: tags whose values never repeat make a database slow, and then full."""

from collections.abc import Mapping
from typing import Final, TypeVar

from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.hyperloglog import HyperLogLog

__all__ = ["SeriesGuard"]

K = TypeVar("K")

CHECKED_EVERY: Final = 500
MAX_WATCHED: Final = 1_000
"""Measurements, and tags, whose values are counted separately; the others count in the total alone."""


class SeriesGuard:
    """Estimates the cardinality, the number of distinct series that this process has written, within 2 %.

    When it exceeds ``limit``, and each time it has doubled since, a warning names the measurement and the tag with
    the most values. The encoder reports only series that are not in its cache, so repeated series cost nothing.
    Each measurement takes a few kilobytes.
    """

    def __init__(self, limit: int) -> None:
        self.set_limit(limit)
        self._series = HyperLogLog()
        self._by_measurement: dict[str, HyperLogLog] = {}
        self._by_tag: dict[tuple[str, str], HyperLogLog] = {}
        self._seen = 0
        self._log = RateLimitedLog()

    def set_limit(self, limit: int) -> None:
        """Warn above ``limit`` series; 0 means never."""
        self._limit = limit
        self._warn_above = limit or float("inf")

    @property
    def series(self) -> int:
        """Number of distinct series so far, within 2 %."""
        return round(self._series.estimate)

    def add(self, measurement: str, head: str, tags: Mapping[str, str]) -> None:
        """Count the series of a line; ``head`` is the text of its measurement and tags."""
        self._series.add(head)
        self._count(self._by_measurement, measurement, head)
        for key, value in tags.items():
            self._count(self._by_tag, (measurement, key), value)
        self._seen += 1
        if self._seen % CHECKED_EVERY == 0 and self._series.estimate > self._warn_above:
            self._warn()

    @staticmethod
    def _count(counts: dict[K, HyperLogLog], key: K, value: str) -> None:
        count = counts.get(key)
        if count is None:
            if len(counts) >= MAX_WATCHED:
                return
            count = counts[key] = HyperLogLog(10)
        count.add(value)

    def _warn(self) -> None:
        series = self.series
        self._warn_above = max(2 * series, 2 * self._limit)
        measurement = max(self._by_measurement, key=lambda name: self._by_measurement[name].estimate)
        tags = {key: count.estimate for (of, key), count in self._by_tag.items() if of == measurement}
        cause = ""
        if tags:
            tag = max(tags, key=lambda key: tags[key])
            cause = f"; most are of {measurement}, whose tag {tag!r} has about {tags[tag]:.0f} values"
        self._log.warning(
            "series",
            f"this process has written about {series} distinct series, more than monitoring.series_limit "
            f"({self._limit}){cause}; make a tag whose values never repeat a field, or name it in "
            "monitoring.tags_as_fields",
        )
