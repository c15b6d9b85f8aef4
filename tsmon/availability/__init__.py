"""Availability: from times or bins to what is present, sparse or missing. Pure Python, needs no store."""

from tsmon.availability.binning import bins_of
from tsmon.availability.categories import APPEARANCES, Appearance, Category, recoloured
from tsmon.availability.deployments import Deployment, Span, spans
from tsmon.availability.from_array import report
from tsmon.availability.from_store import Narrowest, availability_of
from tsmon.availability.interval import Interval
from tsmon.availability.reports import Availability, Report, Total, together
from tsmon.availability.rules import DOCUMENT, EXACT, PRESETS, Rules
from tsmon.availability.time_format import time_of_text, time_text
from tsmon.availability.timeline import Timeline, intervals, timeline

__all__ = [
    "APPEARANCES",
    "DOCUMENT",
    "EXACT",
    "PRESETS",
    "Appearance",
    "Availability",
    "Category",
    "Deployment",
    "Interval",
    "Narrowest",
    "Report",
    "Rules",
    "Span",
    "Timeline",
    "Total",
    "availability_of",
    "bins_of",
    "intervals",
    "recoloured",
    "report",
    "spans",
    "time_of_text",
    "time_text",
    "timeline",
    "together",
]
