"""Reading a store from programs and notebooks that do not run an event loop, or whose loop is not theirs."""

from tsmon.reading.reader import Reader

__all__ = ["Reader"]
