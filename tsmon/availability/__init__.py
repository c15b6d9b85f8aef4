"""Availability: which data are present, sparse or missing, by times or by bins. Pure Python; needs no store."""

from tsmon.availability.binning import bin_times
from tsmon.availability.categories import APPEARANCES, Appearance, Category, recolor_appearances
from tsmon.availability.deployments import Deployment, Span, compute_spans
from tsmon.availability.from_array import compute_availability
from tsmon.availability.from_store import MinWindowWidths, query_availability
from tsmon.availability.interval import Interval
from tsmon.availability.reports import (
    AvailabilityJson,
    Report,
    Total,
    plot_reports,
    reports_to_html,
    reports_to_json,
)
from tsmon.availability.rules import BINS, EXACT, PRESETS, PresetName, Rules
from tsmon.availability.time_arrays import Times
from tsmon.availability.time_format import format_time, format_time_exactly, format_time_range, parse_time
from tsmon.availability.timeline import Timeline, compute_intervals, compute_timeline
from tsmon.availability.times import AnyTime, Duration

__all__ = [
    "APPEARANCES",
    "BINS",
    "EXACT",
    "PRESETS",
    "AnyTime",
    "Appearance",
    "AvailabilityJson",
    "Category",
    "Deployment",
    "Duration",
    "Interval",
    "MinWindowWidths",
    "PresetName",
    "Report",
    "Rules",
    "Span",
    "Timeline",
    "Times",
    "Total",
    "bin_times",
    "compute_availability",
    "compute_intervals",
    "compute_spans",
    "compute_timeline",
    "format_time",
    "format_time_exactly",
    "format_time_range",
    "parse_time",
    "plot_reports",
    "query_availability",
    "recolor_appearances",
    "reports_to_html",
    "reports_to_json",
]
