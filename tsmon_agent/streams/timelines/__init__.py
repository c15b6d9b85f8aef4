"""Timelines of streams: what is drawn, over which range of time, with which ticks and styles."""

from tsmon.availability.chart.pieces import Piece
from tsmon.availability.chart.styles import STYLES, Style
from tsmon.availability.chart.ticks import Tick, build_ticks
from tsmon_agent.streams.timelines.pieces import build_deployment_pieces, build_pieces
from tsmon_agent.streams.timelines.rows import IntervalRow, TimelineRow, build_interval_rows, build_timeline_rows
from tsmon_agent.streams.timelines.time_range import PRESETS, TimeRange, choose_time_range

__all__ = [
    "PRESETS",
    "STYLES",
    "IntervalRow",
    "Piece",
    "Style",
    "Tick",
    "TimeRange",
    "TimelineRow",
    "build_deployment_pieces",
    "build_interval_rows",
    "build_pieces",
    "build_ticks",
    "build_timeline_rows",
    "choose_time_range",
]
