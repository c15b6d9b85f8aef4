"""Stores: where lines go, and who answers questions about time."""

from tsmon.stores.base import Bin, Newest, Selector, Series, Store

__all__ = ["Bin", "Newest", "Selector", "Series", "Store"]
