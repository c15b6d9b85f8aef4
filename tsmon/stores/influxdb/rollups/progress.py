"""How far each measurement is rolled up, as the server's tasks note it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.queries import condition, quote
from tsmon.stores.influxdb.rollups.layout import PROGRESS, tier_bucket

__all__ = ["RolledSpan", "RollupProgress"]

FRESH_S: Final = 10.0
"""How long the progress is cached."""


@dataclass(frozen=True, slots=True)
class RolledSpan:
    """A measurement in one tier: all windows from ``since_ns`` to ``until_ns`` are rolled up.

    ``keep_ns`` is the tier's retention; 0: for ever.
    """

    measurement: str
    every_ns: int
    since_ns: int
    until_ns: int
    keep_ns: int = 0

    def whole_from_ns(self, now_ns: int) -> int:
        """The first window whose rollups the server keeps, however far it has come with removing them.

        One window later than :meth:`covered` goes, so that it is still there when it is queried.
        """
        if not self.keep_ns:
            return self.since_ns
        kept_ns = now_ns - self.keep_ns + 2 * self.every_ns
        return max(self.since_ns, -(-kept_ns // self.every_ns) * self.every_ns)

    def covered(self, start_ns: int, stop_ns: int, every_ns: int, now_ns: int) -> tuple[int, int]:
        """The part of a span, in whole windows of ``every_ns``, that the rollups cover; it may be empty."""
        low_ns = max(start_ns, self.since_ns)
        if self.keep_ns:
            low_ns = max(low_ns, now_ns - self.keep_ns + self.every_ns)
        return -(-low_ns // every_ns) * every_ns, min(stop_ns, self.until_ns) // every_ns * every_ns


class RollupProgress:
    """Reads the tasks' notes by ``query`` (Flux to annotated CSV), and caches them for some seconds."""

    def __init__(self, query: Callable[[str], Awaitable[str]], bucket: str) -> None:
        self._query = query
        self.bucket = bucket
        self._known: list[RolledSpan] = []
        self._fresh_until_s = 0.0

    def forget(self) -> None:
        """Read the notes again at the next call."""
        self._fresh_until_s = 0.0

    async def all(self) -> list[RolledSpan]:
        """Everything that is rolled up, in all tiers."""
        if time.monotonic() >= self._fresh_until_s:
            self._known = await self._read()
            self._fresh_until_s = time.monotonic() + FRESH_S
        return self._known

    async def widest(
        self, measurement: str, start_ns: int, stop_ns: int, every_ns: int
    ) -> tuple[RolledSpan, int, int] | None:
        """The rollups that cover most of a span in windows of ``every_ns``, and which part; None if none do.

        Of several that cover as much, the widest.
        """
        now_ns = time.time_ns()
        best = None
        for one in sorted(await self.all(), key=lambda one: -one.every_ns):
            if one.measurement != measurement or every_ns % one.every_ns:
                continue
            low_ns, high_ns = one.covered(start_ns, stop_ns, every_ns, now_ns)
            if low_ns < high_ns and (best is None or high_ns - low_ns > best[2] - best[1]):
                best = one, low_ns, high_ns
        return best

    async def widest_of_any(
        self, measurement: str, start_ns: int, stop_ns: int
    ) -> tuple[RolledSpan, int, int] | None:
        """As :meth:`widest`, in windows of any width."""
        now_ns = time.time_ns()
        parts = [
            (one, *one.covered(start_ns, stop_ns, one.every_ns, now_ns))
            for one in await self.all()
            if one.measurement == measurement
        ]
        parts = [part for part in parts if part[1] < part[2]]
        return max(parts, key=lambda part: (part[2] - part[1], part[0].every_ns), default=None)

    def bucket_of(self, rolled: RolledSpan) -> str:
        """Name of the bucket that holds the rollups."""
        return tier_bucket(self.bucket, rolled.every_ns)

    async def _read(self) -> list[RolledSpan]:
        text = await self._query(
            f"from(bucket: {quote(self.bucket)})\n  |> range(start: 0)\n"
            f"  |> filter(fn: (r) => {condition('_measurement', PROGRESS)})\n  |> last()\n"
        )
        found: dict[tuple[str, int], dict[str, int]] = {}
        for row in parse_rows(text):
            key = row.tags.get("rolled", ""), int(row.tags.get("every_ns", 0))
            found.setdefault(key, {})[row.values["_field"]] = row.values["_value"]
        return [
            RolledSpan(measurement, every_ns, one["since"], one["until"], one.get("keep", 0))
            for (measurement, every_ns), one in found.items()
            if every_ns > 0 and "since" in one and "until" in one
        ]
