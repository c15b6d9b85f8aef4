"""Typed points, one family of series per file."""

from tsmon.points.background import BackgroundWork
from tsmon.points.in_progress import InProgress
from tsmon.points.logs import Log
from tsmon.points.point import FieldMapping, Point, ServicePoint, TagMapping, Time
from tsmon.points.requests import Request, RequestError, RequestSummary, format_route
from tsmon.points.streams import StreamBin, StreamFreshness
from tsmon.points.subtasks import SubtaskError, SubtaskExecution, SubtaskFinal
from tsmon.points.workers import WorkerQueue, WorkerRequest

__all__ = [
    "BackgroundWork",
    "FieldMapping",
    "InProgress",
    "Log",
    "Point",
    "Request",
    "RequestError",
    "RequestSummary",
    "ServicePoint",
    "StreamBin",
    "StreamFreshness",
    "SubtaskError",
    "SubtaskExecution",
    "SubtaskFinal",
    "TagMapping",
    "Time",
    "WorkerQueue",
    "WorkerRequest",
    "format_route",
]
