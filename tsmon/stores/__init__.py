"""Stores: where lines are written, and where queries about time are answered."""

from tsmon.stores.answer_rows import AnswerRows
from tsmon.stores.base import Store
from tsmon.stores.query_types import Bin, Count, Newest, Retention, Selector, Series, Values, WindowedSpan
from tsmon.stores.selectors import format_selector, parse_selector
from tsmon.stores.setup_change import ReportProgress, SetupChange
from tsmon.stores.window_columns import BinColumns

__all__ = [
    "AnswerRows",
    "Bin",
    "BinColumns",
    "Count",
    "Newest",
    "ReportProgress",
    "Retention",
    "Selector",
    "Series",
    "SetupChange",
    "Store",
    "Values",
    "WindowedSpan",
    "format_selector",
    "parse_selector",
]
