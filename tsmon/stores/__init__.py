"""Stores: where lines go, and who answers questions about time."""

from tsmon.stores.base import Bin, Count, Newest, Retention, Selector, Series, Store, Values, WindowedSpan
from tsmon.stores.selectors import selector_of_text, selector_text
from tsmon.stores.window_columns import BinColumns

__all__ = [
    "Bin",
    "BinColumns",
    "Count",
    "Newest",
    "Retention",
    "Selector",
    "Series",
    "Store",
    "Values",
    "WindowedSpan",
    "selector_of_text",
    "selector_text",
]
