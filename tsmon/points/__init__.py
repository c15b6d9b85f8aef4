"""Typed points, one family of series a file."""

from tsmon.points.logs import Log
from tsmon.points.point import FieldMapping, Point, ServicePoint, TagMapping, Time
from tsmon.points.requests import Request, RequestError, route_of
from tsmon.points.subtasks import SubtaskError, SubtaskExecution, SubtaskFinal
from tsmon.points.workers import WorkerQueue, WorkerRequest

__all__ = [
    "FieldMapping",
    "Log",
    "Point",
    "Request",
    "RequestError",
    "ServicePoint",
    "SubtaskError",
    "SubtaskExecution",
    "SubtaskFinal",
    "TagMapping",
    "Time",
    "WorkerQueue",
    "WorkerRequest",
    "route_of",
]
