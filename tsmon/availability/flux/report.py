"""The report on a stream, computed by the server that stores its data."""

from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter
from typing import Any

from tsmon.availability.arguments import find_rules, read_range
from tsmon.availability.categories import Category
from tsmon.availability.deployments import Deployment, Span, check_deployments, compute_spans
from tsmon.availability.flux.query import LIMIT, build_availability_query
from tsmon.availability.flux.sources import RolledPart
from tsmon.availability.from_store import query_availability, split_by_retention
from tsmon.availability.interval import Interval
from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.availability.reports import Report, build_report
from tsmon.availability.rules import EXACT, PresetName, Rules
from tsmon.availability.timeline import Timeline
from tsmon.availability.times import AnyTime
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxStore
from tsmon.stores.influxdb.annotated_csv import parse_rows

__all__ = ["compute_availability_in_influxdb"]


async def compute_availability_in_influxdb(
    store: InfluxStore,
    selector: Selector,
    deployments: Iterable[Deployment] | Deployment,
    rules: Rules | PresetName = EXACT,
    *,
    name: str | None = None,
    start_ns: AnyTime | None = None,
    end_ns: AnyTime | None = None,
    now_ns: AnyTime | None = None,
) -> Report:
    """As :func:`~tsmon.availability.query_availability`, with the same answer, but only intervals leave the server.

    Use it for distant servers. Grafana can run the same query. Rollups are read instead of points where they exist.
    Raises what the store raises.
    """
    rules, deployments = find_rules(rules), check_deployments(deployments)
    start_ns, end_ns, now_ns = read_range(start_ns, end_ns, now_ns)
    spans = compute_spans(deployments, rules, now_ns=now_ns)
    kept = [] if selects_reported_bins(selector) else await store.retention(selector.measurement, selector.tags)
    if any(
        split_by_retention(one.start_ns, one.end_ns, one.every_ns, kept) != [_whole(one)] for one in spans if kept
    ):
        # Where points are gone, parts with windows of different widths have to be combined here.
        return await query_availability(
            store, selector, deployments, rules, name=name, start_ns=start_ns, end_ns=end_ns, now_ns=now_ns
        )
    rolled = {}
    for number, span in enumerate(spans):
        part = await store.rollups.widest(selector.measurement, span.start_ns, span.end_ns, span.every_ns)
        if part is not None:
            rolled[number] = RolledPart(store.rollups.bucket_of(part[0]), part[1], part[2])
    query = build_availability_query(store.connection.bucket, selector, spans, rules, rolled=rolled)
    rows = [row.values for row in parse_rows(await store.query(query))]
    limits = {row["start"]: row["stop"] for row in rows if row["cat"] == LIMIT}
    spans = [
        replace(span, limit_ns=limits.get(number, span.limit_ns)) if span.deployment else span
        for number, span in enumerate(spans)
    ]
    answer = sorted((row for row in rows if row["cat"] != LIMIT), key=itemgetter("start"))
    separation_ns = _mean(answer[0]["tl"], answer[0]["ts"]) if answer else None
    timeline = Timeline(spans, [_parse_interval(one) for one in answer], separation_ns)
    name = selector.measurement if name is None else name
    return build_report(timeline, rules, name=name, start_ns=start_ns, end_ns=end_ns)


def _whole(span: Span) -> tuple[int, int, int]:
    return span.start_ns, span.end_ns, span.every_ns


def _parse_interval(row: dict[str, Any]) -> Interval:
    separation_ns = _mean(row["len"], row["sep"])
    return Interval(row["start"], row["stop"], Category(row["cat"]), row["c"], separation_ns, row["isolated"])


def _mean(length_ns: int, separations: int) -> float | None:
    return float(length_ns) / float(separations) if separations else None
