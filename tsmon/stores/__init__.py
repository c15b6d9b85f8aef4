"""Stores: where lines go, and who answers questions about time."""

from tsmon.stores.base import Asked, Bin, Count, Kept, Newest, Selector, Series, Store, Values
from tsmon.stores.selectors import selector_of_text, selector_text

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
    "selector_of_text",
    "selector_text",
]
