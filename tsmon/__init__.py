"""Typed time-series metrics for InfluxDB 2.x: exact, buffered, and every point accounted for."""

import typing

from tsmon import name_hints
from tsmon.delivery.accounting import Counts
from tsmon.errors import (
    AvailabilityError,
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
from tsmon.monitor.monitor import Monitor
from tsmon.points import (
    BackgroundWork,
    InProgress,
    Log,
    Point,
    Request,
    RequestError,
    RequestSummary,
    ServicePoint,
    StreamBin,
    StreamFreshness,
    SubtaskError,
    SubtaskExecution,
    SubtaskFinal,
    WorkerQueue,
    WorkerRequest,
    format_route,
)

__version__ = "0.1.0"

if not typing.TYPE_CHECKING:
    # Not for type checkers, which would then accept every name.
    __getattr__ = name_hints.find_name

__all__ = [
    "AvailabilityError",
    "BackgroundWork",
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
    "StreamBin",
    "StreamFreshness",
    "SubtaskError",
    "SubtaskExecution",
    "SubtaskFinal",
    "Tag",
    "TagAndField",
    "TsmonError",
    "WorkerQueue",
    "WorkerRequest",
    "configure",
    "format_route",
]
