"""Stores: where lines go, and who answers questions about time."""

from tsmon.stores.base import Asked, Bin, Count, Kept, Newest, Selector, Series, Store, Values
from tsmon.stores.selectors import selector_of_text, selector_text
from tsmon.stores.window_columns import Windows

__all__ = [
    "Asked",
    "Bin",
    "Count",
    "Kept",
    "Newest",
    "Selector",
    "Series",
    "Store",
    "Values",
    "Windows",
    "selector_of_text",
    "selector_text",
]
