"""Timelines of streams: what is drawn, over which range of time, with which ticks and patterns."""

from tsmon_agent.timelines.axis import Tick, ticks
from tsmon_agent.timelines.drawing import Piece, pieces_of, pieces_of_deployments
from tsmon_agent.timelines.looks import LOOKS, Look
from tsmon_agent.timelines.ranges import PRESETS, Shown, shown_of
from tsmon_agent.timelines.rows import IntervalRow, StreamRow, interval_rows, stream_rows

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
