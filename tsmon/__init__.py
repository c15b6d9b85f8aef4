"""Typed time-series metrics for InfluxDB 2.x: exact, buffered, and accounted for to the last point."""

from tsmon.counts import Counts
from tsmon.errors import (
    BatchTooLargeError,
    DeclarationError,
    FlushTimeoutError,
    InvalidPointError,
    LineProtocolError,
    SettingsError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
    TsmonError,
)
from tsmon.line_protocol import Service, Tag, TagAndField, configure
from tsmon.monitor import Monitor
from tsmon.points import (
    InProgress,
    Log,
    Point,
    Request,
    RequestError,
    RequestSummary,
    ServicePoint,
    SubtaskError,
    SubtaskExecution,
    SubtaskFinal,
    WorkerQueue,
    WorkerRequest,
    route_of,
)

__all__ = [
    "BatchTooLargeError",
    "Counts",
    "DeclarationError",
    "FlushTimeoutError",
    "InProgress",
    "InvalidPointError",
    "LineProtocolError",
    "Log",
    "Monitor",
    "Point",
    "Request",
    "RequestError",
    "RequestSummary",
    "Service",
    "ServicePoint",
    "SettingsError",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "SubtaskError",
    "SubtaskExecution",
    "SubtaskFinal",
    "Tag",
    "TagAndField",
    "TsmonError",
    "WorkerQueue",
    "WorkerRequest",
    "configure",
    "route_of",
]
