"""The store's queries in SQL, each from one snapshot of the file."""

import sqlite3
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import islice
from operator import lt
from typing import Final

from tsmon.errors import StoreRefusedError
from tsmon.stores.answer_rows import AnswerRows
from tsmon.stores.query_types import Bin, Count, Newest, Retention, Selector, Series, Values, WindowedSpan
from tsmon.stores.sqlite.catalogue import parse_tags
from tsmon.stores.sqlite.rollups import Layout
from tsmon.stores.sqlite.rollups.layout import MIN_TIME
from tsmon.stores.sqlite.window_queries import Target, clamp, find_target, query_windows, snapshot
from tsmon.stores.window_columns import BinColumns

__all__ = ["bins_of_spans", "counts", "newest", "retention", "series", "values", "windows"]

NUMBERS: Final = {"float", "integer", "unsigned"}


def bins_of_spans(
    connection: sqlite3.Connection, selector: Selector, spans: Sequence[WindowedSpan]
) -> list[list[Bin]]:
    """See :meth:`Store.bins_of_spans`."""
    with snapshot(connection):
        target = find_target(connection, selector)
        if target is None:
            return [AnswerRows(Bin) for _ in spans]
        rows: list[tuple[int, ...]] = []
        for every_ns in {span.every_ns for span in spans}:
            numbered = {part: span for part, span in enumerate(spans) if span.every_ns == every_ns}
            rows += _query_rows(connection, target, numbered, every_ns)
    rows.sort()
    edges = [bisect_left(rows, (part,)) for part in range(len(spans) + 1)]
    return [
        AnswerRows(Bin, _bins(rows[low:high], span.every_ns))
        for span, low, high in zip(spans, edges, edges[1:], strict=False)
    ]


def windows(
    connection: sqlite3.Connection, selectors: Sequence[Selector], span: WindowedSpan
) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
    """See :meth:`Store.windows`; None if there are no rollups of exactly this width."""
    found: dict[int, tuple[Mapping[str, str], BinColumns]] = {}
    with snapshot(connection):
        for selector in selectors:
            target = find_target(connection, selector)
            if target is None:
                continue
            if not target.plan.has_tier(span.every_ns):
                return None
            for number in target.series.keys() - found.keys():
                rows = _query_rows(connection, target.only(number), {0: span}, span.every_ns)
                found[number] = target.series[number], _columns(rows, span.every_ns)
    return sorted((one for one in found.values() if one[1]), key=lambda one: sorted(one[0].items()))


def _query_rows(
    connection: sqlite3.Connection, target: Target, spans: Mapping[int, WindowedSpan], every_ns: int
) -> list[tuple[int, ...]]:
    """Rows of span number, window number, times of the first and last value, and number of values."""
    return query_windows(
        connection,
        target,
        spans,
        every_ns,
        points=(
            "part, {number} AS number, min(time_ns) AS first, max(time_ns) AS last, count(*) AS count",
            "part, number",
        ),
        rollups=(
            "part, {number} AS number, min({first}) AS first, max({last}) AS last, sum({count}) AS count",
            "part, number",
        ),
        windows="part, {number} AS number, {first} AS first, {last} AS last, {count} AS count",
    )


def _columns(rows: list[tuple[int, ...]], every_ns: int) -> BinColumns:
    """The rows of one series as columns."""
    rows.sort()
    _, numbers, firsts, lasts, counts = map(list, zip(*rows, strict=True)) if rows else ([] for _ in range(5))
    if all(map(lt, numbers, islice(numbers, 1, None))):
        return BinColumns(every_ns, firsts, lasts, counts)
    return BinColumns.from_bins(every_ns, _bins(rows, every_ns))


def _bins(rows: Sequence[tuple[int, ...]], every_ns: int) -> list[Bin]:
    """Bins of one span; several rows may be parts of one bin."""
    if len({row[1] for row in rows}) == len(rows):
        return [Bin(number * every_ns, first, last, count) for _, number, first, last, count in rows]
    found: list[Bin] = []
    reached = None
    for _, number, first, last, count in rows:
        if number == reached:
            other = found.pop()
            found.append(Bin(other.start_ns, other.first_ns, max(last, other.last_ns), count + other.count))
        else:
            found.append(Bin(number * every_ns, first, last, count))
            reached = number
    return found


def newest(connection: sqlite3.Connection, selector: Selector) -> list[Newest]:
    """See :meth:`Store.newest`; one index look-up per series."""
    found = []
    with snapshot(connection):
        target = find_target(connection, selector)
        if target is None:
            return AnswerRows(Newest)
        query = (
            f"SELECT time_ns, {target.column} FROM {target.table} "
            f"WHERE series = ? AND {target.column} IS NOT NULL ORDER BY time_ns DESC LIMIT 1"
        )
        for number, tags in target.series.items():
            row = connection.execute(query, (number,)).fetchone()
            if row is not None:
                found.append(Newest(tags, row[0], bool(row[1]) if target.type == "boolean" else row[1]))
    return AnswerRows(Newest, sorted(found, key=_tags))


def series(
    connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
) -> list[Series]:
    """See :meth:`Store.series`; raises :class:`StoreRefusedError` for strings and booleans."""
    found: dict[tuple[int, int], tuple[float, int]] = {}
    with snapshot(connection):
        target = find_target(connection, selector)
        if target is None:
            return AnswerRows(Series)
        if target.type not in NUMBERS:
            raise StoreRefusedError(
                f"field {selector.field!r} of measurement {selector.measurement!r} is of type {target.type}, "
                "which has no mean; choose a field of numbers"
            )
        for id_, number, mean, count in query_windows(
            connection,
            target,
            {0: WindowedSpan(start_ns, stop_ns, every_ns)},
            every_ns,
            points=("id, {number} AS number, avg({column}), count(*)", "id, number"),
            rollups=("id, {number} AS number, sum({column} * {count}) / sum({count}), sum({count})", "id, number"),
        ):
            if (id_, number) in found:
                other, others = found[id_, number]
                found[id_, number] = (mean * count + other * others) / (count + others), count + others
            else:
                found[id_, number] = mean, count
    answers: dict[int, tuple[list[int], list[float]]] = {}
    for (id_, number), (mean, _) in sorted(found.items()):
        times, means = answers.setdefault(id_, ([], []))
        times.append(number * every_ns)
        means.append(mean)
    answer = [Series(target.series[id_], times, means) for id_, (times, means) in answers.items()]
    return AnswerRows(Series, sorted(answer, key=_tags))


def values(connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int) -> list[Values]:
    """See :meth:`Store.values`."""
    found = []
    with snapshot(connection):
        target = find_target(connection, selector)
        if target is None:
            return AnswerRows(Values)
        query = (
            f"SELECT time_ns, {target.column} FROM {target.table} WHERE series = ? AND time_ns >= ? "
            f"AND time_ns < ? AND {target.column} IS NOT NULL ORDER BY time_ns"
        )
        bounds = clamp(start_ns), clamp(stop_ns)
        for number, tags in target.series.items():
            rows = connection.execute(query, (number, *bounds)).fetchall()
            if rows:
                plain = [bool(value) if target.type == "boolean" else value for _, value in rows]
                found.append(Values(tags, [time_ns for time_ns, _ in rows], plain))
    return AnswerRows(Values, sorted(found, key=_tags))


def counts(connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int) -> list[Count]:
    """See :meth:`Store.counts`."""
    found: dict[int, int] = {}
    with snapshot(connection):
        target = find_target(connection, selector)
        if target is None:
            return AnswerRows(Count)
        every_ns = target.plan.common_ns
        for id_, count in query_windows(
            connection,
            target,
            {0: WindowedSpan(start_ns, stop_ns, every_ns)},
            every_ns,
            points=("id, count(*)", "id"),
            rollups=("id, sum({count})", "id"),
        ):
            found[id_] = found.get(id_, 0) + count
    answer = [Count(target.series[id_], count) for id_, count in found.items()]
    return AnswerRows(Count, sorted(answer, key=_tags))


def retention(connection: sqlite3.Connection, measurement: str, tags: Mapping[str, str]) -> list[Retention]:
    """See :meth:`Store.retention`."""
    with snapshot(connection):
        layout = Layout.read(connection)
        tiers = [Retention(tier.every_ns, tier.from_ns) for tier in layout.tiers]
        from_ns = layout.points_from_ns
        if from_ns != MIN_TIME and layout.has_frontiers:
            lost = connection.execute(
                "SELECT tags, points_from_ns FROM series JOIN measurements ON measurements.id = measurement "
                "JOIN frontiers ON frontiers.series = series.id WHERE name = ?",
                (measurement,),
            )
            wanted = tags.items()
            from_ns = max(
                (time_ns for text, time_ns in lost if parse_tags(text).items() >= wanted), default=MIN_TIME
            )
    return [Retention(0, from_ns), *tiers]


def _tags(one: Count | Newest | Series | Values) -> list[tuple[str, str]]:
    """Sort key of results; the tags of each are already sorted by key."""
    return list(one.tags.items())
