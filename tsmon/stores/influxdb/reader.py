"""The store's queries over the HTTP API: from rollups as far as they reach, else from points."""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tsmon.stores.answer_rows import AnswerRows
from tsmon.stores.base import Store
from tsmon.stores.concurrent_queries import query_together
from tsmon.stores.influxdb.annotated_csv import Key, parse_rows
from tsmon.stores.influxdb.api import ONE_PIECE_BYTES
from tsmon.stores.influxdb.bucket import InfluxBucket
from tsmon.stores.influxdb.point_windows import parse_windows
from tsmon.stores.influxdb.queries import (
    bins_query,
    counts_query,
    newest_query,
    series_bins_query,
    series_query,
    values_query,
)
from tsmon.stores.influxdb.rollups import (
    RolledSpan,
    columns_query,
    parse_columns,
    parse_rolled_bins,
    parse_rolled_series,
    rolled_bins_query,
    rolled_counts_query,
    rolled_series_query,
)
from tsmon.stores.influxdb.whole_windows import MIN_TIME_NS, clip
from tsmon.stores.query_types import Bin, Count, Newest, Retention, Selector, Series, Values, WindowedSpan
from tsmon.stores.window_columns import BinColumns

if TYPE_CHECKING:
    from tsmon.line_protocol.parser import FieldValue

__all__ = ["InfluxReader"]


class InfluxReader(InfluxBucket, Store):
    """Queries of one bucket; :class:`~tsmon.stores.influxdb.store.InfluxStore` adds the rest of a store."""

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`; from rollups as far as they reach, else from points."""
        start_ns, stop_ns = clip(start_ns, stop_ns)
        if start_ns >= stop_ns:
            return AnswerRows(Bin)  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._point_bins(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        before = await self._point_bins(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else ()
        bins = await self._rolled_bins(rolled, selector, low_ns, high_ns, every_ns)
        after = await self._point_bins(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else ()
        return AnswerRows(Bin, (*before, *bins, *after))

    async def bins_of_spans(self, selector: Selector, spans: Iterable[WindowedSpan]) -> list[list[Bin]]:
        """See :meth:`Store.bins_of_spans`; spans of whole windows of one width take one query."""
        wanted = list(spans)
        widths = {span.every_ns for span in wanted}
        if len(widths) != 1 or any(edge % span.every_ns for span in wanted for edge in span[:2]):
            return await super().bins_of_spans(selector, wanted)
        start_ns, stop_ns = clip(min(span.start_ns for span in wanted), max(span.stop_ns for span in wanted))
        found = await self.bins(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=widths.pop())
        starts = [one.start_ns for one in found]
        return [
            AnswerRows(Bin, found[bisect_left(starts, span.start_ns) : bisect_left(starts, span.stop_ns)])
            if span.start_ns < span.stop_ns
            else AnswerRows(Bin)
            for span in wanted
        ]

    async def windows(
        self, selectors: Sequence[Selector], *, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """See :meth:`Store.windows`; None if there are no rollups of exactly this width."""
        start_ns, stop_ns = clip(start_ns, stop_ns)
        found = await self.rollups.widest(selectors[0].measurement, start_ns, stop_ns, every_ns)
        if found is None or found[0].every_ns != every_ns:
            return None
        rolled, low_ns, high_ns = found
        async with query_together() as group:
            earlier = group.create_task(self._point_windows(selectors, start_ns, low_ns, every_ns))
            rolled_up = group.create_task(self._rolled_windows(rolled, selectors, low_ns, high_ns))
            later = group.create_task(self._point_windows(selectors, high_ns, stop_ns, every_ns))
        before, bins, after = earlier.result(), rolled_up.result(), later.result()
        if bins is None:
            return None
        for tags in before.keys() | after.keys():
            bins[tags] = (
                BinColumns.from_bins(every_ns, before.get(tags, ()))
                + bins.get(tags, BinColumns.from_bins(every_ns, ()))
                + BinColumns.from_bins(every_ns, after.get(tags, ()))
            )
        return [(dict(tags), bins[tags]) for tags in sorted(bins)]

    async def _point_windows(
        self, selectors: Sequence[Selector], start_ns: int, stop_ns: int, every_ns: int
    ) -> dict[Key, list[Bin]]:
        """Bins of points, for each series."""
        if start_ns >= stop_ns:
            return {}
        query = series_bins_query(self.connection.bucket, selectors, start_ns, stop_ns, every_ns)
        return parse_windows(await self.query(query), every_ns)

    async def _rolled_windows(
        self, rolled: RolledSpan, selectors: Sequence[Selector], start_ns: int, stop_ns: int
    ) -> dict[Key, BinColumns] | None:
        """Rollups as they are stored, for each series; None if the response is not understood."""
        text = await self.query(columns_query(self.rollups.bucket_of(rolled), selectors, start_ns, stop_ns))
        if len(text) < ONE_PIECE_BYTES:
            return parse_columns(text, rolled.every_ns)
        return await asyncio.to_thread(parse_columns, text, rolled.every_ns)

    async def _rolled_bins(
        self, rolled: RolledSpan, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[Bin]:
        if rolled.every_ns == every_ns:
            # Usually one series is selected, whose rollups are the bins.
            found = await self._rolled_windows(rolled, [selector], start_ns, stop_ns)
            if found is not None and len(found) < 2:
                return [one for windows in found.values() for one in windows]
        query = rolled_bins_query(self.rollups.bucket_of(rolled), selector, start_ns, stop_ns, every_ns)
        return parse_rolled_bins(await self.query(query), every_ns)

    async def _point_bins(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        text = await self.query(bins_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        return AnswerRows(Bin, parse_windows(text, every_ns).get((), ()))

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        text = await self.query(newest_query(self.connection.bucket, selector))
        found = [Newest(row.tags, row.values["_time"], row.values["_value"]) for row in parse_rows(text)]
        return AnswerRows(Newest, sorted(found, key=lambda newest: sorted(newest.tags.items())))

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """See :meth:`Store.counts`; from rollups as far as they reach, else from points."""
        start_ns, stop_ns = clip(start_ns, stop_ns)
        if start_ns >= stop_ns:
            return AnswerRows(Count)  # the server refuses an empty range
        points = self.connection.bucket
        found = await self.rollups.widest_of_any(selector.measurement, start_ns, stop_ns)
        if found is None:
            text = await self.query(counts_query(points, selector, start_ns, stop_ns))
        else:
            rolled, low_ns, high_ns = found
            buckets = points, self.rollups.bucket_of(rolled)
            text = await self.query(rolled_counts_query(buckets, selector, (start_ns, stop_ns), (low_ns, high_ns)))
        counts: Counter[Key] = Counter()
        for row in parse_rows(text):
            counts[row.key] += row.values["_value"]
        return AnswerRows(Count, (Count(dict(key), counts[key]) for key in sorted(counts)))

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`; from rollups as far as they reach, else from points."""
        start_ns, stop_ns = clip(start_ns, stop_ns)
        if start_ns >= stop_ns:
            return AnswerRows(Series)  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._point_series(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        bucket = self.rollups.bucket_of(rolled)
        text = await self.query(rolled_series_query(bucket, selector, low_ns, high_ns))
        return _concatenate(
            await self._point_series(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else [],
            parse_rolled_series(text, every_ns),
            await self._point_series(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else [],
        )

    async def _point_series(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        text = await self.query(series_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        found: dict[Key, tuple[list[int], list[float]]] = {}
        for row in parse_rows(text):
            times, values = found.setdefault(row.key, ([], []))
            times.append(row.values["_time"] // every_ns * every_ns)
            values.append(row.values["_value"])
        return AnswerRows(
            Series, (Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items()))
        )

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        start_ns, stop_ns = clip(start_ns, stop_ns)
        if start_ns >= stop_ns:
            return AnswerRows(Values)  # the server refuses an empty range
        text = await self.query(values_query(self.connection.bucket, selector, start_ns, stop_ns))
        found: dict[Key, tuple[list[int], list[FieldValue]]] = {}
        for row in parse_rows(text):
            times, values = found.setdefault(row.key, ([], []))
            times.append(row.values["_time"])
            values.append(row.values["_value"])
        return AnswerRows(
            Values, (Values(dict(tags), times, values) for tags, (times, values) in sorted(found.items()))
        )

    async def retention(self, measurement: str, tags: Mapping[str, str] | None = None) -> list[Retention]:  # noqa: ARG002
        """See :meth:`Store.retention`; it is the buckets' own, which the server applies."""
        now_ns = time.time_ns()
        rolled = [
            Retention(one.every_ns, one.whole_from_ns(now_ns))
            for one in sorted(await self.rollups.all(), key=lambda one: one.every_ns)
            if one.measurement == measurement
        ]
        return [Retention(0, await self.points_since_ns() if rolled else MIN_TIME_NS), *rolled]


def _concatenate(*parts: list[Series]) -> list[Series]:
    """Series of consecutive parts of time as one."""
    found: dict[Key, tuple[list[int], list[float]]] = {}
    for part in parts:
        for one in part:
            times, values = found.setdefault(tuple(sorted(one.tags.items())), ([], []))
            times += one.times_ns
            values += one.values
    return AnswerRows(
        Series, (Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items()))
    )
