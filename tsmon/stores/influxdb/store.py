"""InfluxDB 2.x over its HTTP API."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from tsmon.errors import StoreUnavailableError
from tsmon.stores.base import Bin, Count, Newest, Retention, Selector, Series, Store, Values, WindowedSpan
from tsmon.stores.influxdb.annotated_csv import Key, rows
from tsmon.stores.influxdb.api import ONE_PIECE_BYTES, InfluxApi
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.point_windows import windows_of_points
from tsmon.stores.influxdb.queries import (
    MAX_TIME_NS,
    MIN_TIME_NS,
    bins_query,
    counts_query,
    newest_query,
    series_bins_query,
    series_query,
    values_query,
)
from tsmon.stores.influxdb.responses import message_of
from tsmon.stores.influxdb.rollups.columns import windows_of, windows_query
from tsmon.stores.influxdb.rollups.progress import RolledSpan, RollupProgress
from tsmon.stores.influxdb.rollups.reading import (
    bins_of,
    rolled_bins_query,
    rolled_counts_query,
    rolled_series_query,
    series_of,
)
from tsmon.stores.window_columns import BinColumns
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsmon.line_protocol.parser import FieldValue

__all__ = ["InfluxStore"]

COMPRESSION_LEVEL: Final = 1


class InfluxStore(InfluxApi, Store):
    """One bucket of an InfluxDB 2.x server, or of whatever takes the v2 write API.

    ``create_bucket`` makes the bucket when it is missing, as soon as the server answers, with
    ``retention_s`` seconds of retention (0: for ever). Opening does not need the server.
    """

    def __init__(self, connection: InfluxConnection, *, create_bucket: bool = False, retention_s: int = 0) -> None:
        super().__init__(connection)
        self._create_bucket = create_bucket
        self._retention_s = retention_s
        self.rollups = RollupProgress(self.query, connection.bucket)
        """What is rolled up, and how far; nothing before ``tsmon-agent setup``."""
        self.on_written: Callable[[bytes], None] | None = None
        """Called with the lines of each write that was acknowledged."""

    @property
    def destination(self) -> tuple[str, str, str]:
        """See :attr:`Store.destination`."""
        return self.connection.url, self.connection.org, self.connection.bucket

    async def write(self, lines: bytes) -> None:
        """Store lines; see :meth:`Store.write`. Compressed unless the server is this machine."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        body = lines
        if self._compress:
            from isal import igzip

            body = igzip.compress(lines, COMPRESSION_LEVEL)
            headers["Content-Encoding"] = "gzip"
        parameters = {"org": await self._organization(), "bucket": self.connection.bucket, "precision": "ns"}
        answer = await self._post("/api/v2/write", parameters, headers, body)
        if answer[0] == 404 and self._create_bucket:
            await self.create_bucket()
            answer = await self._post("/api/v2/write", parameters, headers, body)
        if answer[0] in (204, 422) and self.on_written is not None:
            self.on_written(lines)
        if answer[0] != 204:
            raise self._error(answer)

    async def check(self) -> None:
        """Ask the server whether a write would pass; see :meth:`Store.check`."""
        if not self.is_open:
            async with self:
                await self.check()
            return
        await self.write(b"# check\n")

    async def create_bucket(self) -> None:
        """Create the bucket if it is missing; the token must be allowed to."""
        organization = await self._organization()
        found = await self._organizations({"org": organization})
        if not found:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created, since the token does not see the organization; "
                "create the bucket yourself, or set monitoring.token to one that may"
            )
        rules = [{"type": "expire", "everySeconds": self._retention_s}] if self._retention_s else []
        body = {"orgID": found[0]["id"], "name": self.connection.bucket, "retentionRules": rules}
        headers = {"Content-Type": "application/json"}
        answer = await self._post("/api/v2/buckets", {}, headers, msgspec.json.encode(body))
        exists = answer[0] == 422 and b"already exists" in answer[1]
        if answer[0] != 201 and not exists:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created ({answer[0]}: {message_of(answer[1])}); "
                "create it yourself, or set monitoring.token to one that may"
            )

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`; from rollups where they are, else from points."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._bins(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        return [
            *(await self._bins(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else ()),
            *await self._rolled_bins(rolled, selector, low_ns, high_ns, every_ns),
            *(await self._bins(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else ()),
        ]

    async def bins_of_spans(self, selector: Selector, spans: Iterable[WindowedSpan]) -> list[list[Bin]]:
        """See :meth:`Store.bins_of_spans`; spans of whole windows of one width are one question."""
        asked = list(spans)
        widths = {span.every_ns for span in asked}
        if len(widths) != 1 or any(edge % span.every_ns for span in asked for edge in span[:2]):
            return await super().bins_of_spans(selector, asked)
        start_ns = max(min(span.start_ns for span in asked), MIN_TIME_NS)
        stop_ns = min(max(span.stop_ns for span in asked), MAX_TIME_NS)
        found = await self.bins(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=widths.pop())
        starts = [one.start_ns for one in found]
        return [
            found[bisect_left(starts, span.start_ns) : bisect_left(starts, span.stop_ns)]
            if span.start_ns < span.stop_ns
            else []
            for span in asked
        ]

    async def windows(
        self, selectors: Sequence[Selector], *, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """See :meth:`Store.windows`; None where there are no rollups of just this width."""
        start_ns, stop_ns = max(start_ns, MIN_TIME_NS), min(stop_ns, MAX_TIME_NS)
        found = await self.rollups.widest(selectors[0].measurement, start_ns, stop_ns, every_ns)
        if found is None or found[0].every_ns != every_ns:
            return None
        rolled, low_ns, high_ns = found
        before, bins, after = await asyncio.gather(
            self._windows(selectors, start_ns, low_ns, every_ns),
            self._rolled_windows(rolled, selectors, low_ns, high_ns),
            self._windows(selectors, high_ns, stop_ns, every_ns),
        )
        if bins is None:
            return None
        for tags in before.keys() | after.keys():
            bins[tags] = (
                BinColumns.from_bins(every_ns, before.get(tags, ()))
                + bins.get(tags, BinColumns.from_bins(every_ns, ()))
                + BinColumns.from_bins(every_ns, after.get(tags, ()))
            )
        return [(dict(tags), bins[tags]) for tags in sorted(bins)]

    async def _windows(
        self, selectors: Sequence[Selector], start_ns: int, stop_ns: int, every_ns: int
    ) -> dict[Key, list[Bin]]:
        """Bins of points, series by series."""
        if start_ns >= stop_ns:
            return {}
        query = series_bins_query(self.connection.bucket, selectors, start_ns, stop_ns, every_ns)
        return windows_of_points(await self.query(query), every_ns)

    async def _rolled_windows(
        self, rolled: RolledSpan, selectors: Sequence[Selector], start_ns: int, stop_ns: int
    ) -> dict[Key, BinColumns] | None:
        """Rollups as they are, series by series; None where the answer is not understood."""
        text = await self.query(windows_query(self.rollups.bucket_of(rolled), selectors, start_ns, stop_ns))
        if len(text) < ONE_PIECE_BYTES:
            return windows_of(text, rolled.every_ns)
        return await asyncio.to_thread(windows_of, text, rolled.every_ns)

    async def _rolled_bins(
        self, rolled: RolledSpan, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[Bin]:
        if rolled.every_ns == every_ns:
            # Mostly it is one series, whose rollups are the windows as they are.
            found = await self._rolled_windows(rolled, [selector], start_ns, stop_ns)
            if found is not None and len(found) < 2:
                return [one for windows in found.values() for one in windows]
        query = rolled_bins_query(self.rollups.bucket_of(rolled), selector, start_ns, stop_ns, every_ns)
        return bins_of(await self.query(query), every_ns)

    async def _bins(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        text = await self.query(bins_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        return windows_of_points(text, every_ns).get((), [])

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        text = await self.query(newest_query(self.connection.bucket, selector))
        found = [Newest(row.tags, row.values["_time"], row.values["_value"]) for row in rows(text)]
        return sorted(found, key=lambda newest: sorted(newest.tags.items()))

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """See :meth:`Store.counts`; from rollups where they are, else from points."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        start_ns, stop_ns = max(start_ns, MIN_TIME_NS), min(stop_ns, MAX_TIME_NS)
        points = self.connection.bucket
        found = await self.rollups.most(selector.measurement, start_ns, stop_ns)
        if found is None:
            text = await self.query(counts_query(points, selector, start_ns, stop_ns))
        else:
            rolled, low_ns, high_ns = found
            buckets = points, self.rollups.bucket_of(rolled)
            text = await self.query(rolled_counts_query(buckets, selector, (start_ns, stop_ns), (low_ns, high_ns)))
        counts = [Count(row.tags, row.values["_value"]) for row in rows(text)]
        return sorted(counts, key=lambda one: sorted(one.tags.items()))

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`; from rollups where they are, else from points."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._series(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        bucket = self.rollups.bucket_of(rolled)
        text = await self.query(rolled_series_query(bucket, selector, low_ns, high_ns))
        return _joined(
            await self._series(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else [],
            series_of(text, every_ns),
            await self._series(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else [],
        )

    async def _series(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        text = await self.query(series_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        found: dict[Key, tuple[list[int], list[float]]] = {}
        for row in rows(text):
            times, values = found.setdefault(row.key, ([], []))
            times.append(_floor(row.values["_time"], every_ns))
            values.append(row.values["_value"])
        return [Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        text = await self.query(values_query(self.connection.bucket, selector, start_ns, stop_ns))
        found: dict[Key, tuple[list[int], list[FieldValue]]] = {}
        for row in rows(text):
            times, values = found.setdefault(row.key, ([], []))
            times.append(row.values["_time"])
            values.append(row.values["_value"])
        return [Values(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]

    async def retention(self, measurement: str) -> list[Retention]:
        """See :meth:`Store.retention`."""
        now_ns = time.time_ns()
        rolled = [
            Retention(one.every_ns, max(one.since_ns, now_ns - one.keep_ns if one.keep_ns else one.since_ns))
            for one in sorted(await self.rollups.all(), key=lambda one: one.every_ns)
            if one.measurement == measurement
        ]
        return [Retention(0, await self.points_since_ns() if rolled else MIN_TIME_NS), *rolled]

    async def points_since_ns(self) -> int:
        """The time before which retention may have removed points; the first of all where the bucket keeps all."""
        found = await self.bucket(self.connection.bucket)
        rules = [] if found is None else found["retentionRules"]
        kept_s = min((rule["everySeconds"] for rule in rules if rule["everySeconds"]), default=0)
        return time.time_ns() - kept_s * SECOND_NS if kept_s else MIN_TIME_NS


def _joined(*parts: list[Series]) -> list[Series]:
    """Series of parts of time, which follow each other, as one."""
    found: dict[Key, tuple[list[int], list[float]]] = {}
    for part in parts:
        for one in part:
            times, values = found.setdefault(tuple(sorted(one.tags.items())), ([], []))
            times += one.times_ns
            values += one.values
    return [Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]


def _floor(time_ns: int, every_ns: int) -> int:
    return time_ns // every_ns * every_ns
