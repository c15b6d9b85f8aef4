"""Reports on an instrument for programs: one JSON object, or a table in CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from tsmon.availability import (
    EXACT,
    AvailabilityJson,
    Report,
    compute_spans,
    compute_timeline,
    format_time_exactly,
    reports_to_json,
)
from tsmon.availability.json_measures import build_deployments_measure
from tsmon_agent.streams.availability.instrument import Instrument
from tsmon_agent.streams.inventory.csv_table import escape_formula

__all__ = ["availability_to_json", "format_availability_csv"]

COLUMNS: Final = (
    "reference_designator",
    "method",
    "stream",
    "start",
    "end",
    "category",
    "points",
    "mean_separation",
    "isolated_points",
)


def availability_to_json(
    instrument: Instrument,
    reports: Sequence[Report],
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    now_ns: int,
    whole_seconds: bool = True,
) -> AvailabilityJson:
    """Measures of an instrument: its deployments, then each stream; it may not have any streams yet."""
    if reports:
        return reports_to_json(reports, whole_seconds=whole_seconds)
    found = compute_timeline([], compute_spans(instrument.deployments, EXACT, now_ns=now_ns), EXACT)
    window = found.resolve_range(start_ns, end_ns)
    return {"availability": [build_deployments_measure(found.spans, *window, whole_seconds=whole_seconds)]}


def format_availability_csv(instrument: Instrument, reports: Iterable[Report]) -> str:
    """Format a row for each interval, with exact times, separations in seconds; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for stream, report in zip(instrument.streams, reports, strict=True):
        for one in report.intervals:
            separation = "" if one.separation_ns is None else f"{one.separation_ns / 1e9:.9g}"
            writer.writerow(
                (
                    escape_formula(instrument.designator),
                    escape_formula(stream.method),
                    escape_formula(stream.name),
                    format_time_exactly(one.start_ns),
                    format_time_exactly(one.end_ns),
                    report.rules.appearances[one.category].name,
                    one.count,
                    separation,
                    one.isolated,
                )
            )
    return text.getvalue()
