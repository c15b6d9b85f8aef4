"""Timelines of streams: what is drawn, over which range of time, with which ticks and patterns."""

from tsmon_agent.streams.timelines.patterns import LOOKS, Look
from tsmon_agent.streams.timelines.pieces import Piece, pieces_of, pieces_of_deployments
from tsmon_agent.streams.timelines.rows import IntervalRow, StreamRow, interval_rows, stream_rows
from tsmon_agent.streams.timelines.ticks import Tick, ticks
from tsmon_agent.streams.timelines.time_range import PRESETS, Shown, shown_of

__all__ = [
    "LOOKS",
    "PRESETS",
    "IntervalRow",
    "Look",
    "Piece",
    "Shown",
    "StreamRow",
    "Tick",
    "interval_rows",
    "pieces_of",
    "pieces_of_deployments",
    "shown_of",
    "stream_rows",
    "ticks",
]
