"""Retention in the embedded store: how long what is kept, which series are streams', removal in small steps."""

from tsmon.stores.sqlite.retention.beside import change_beside, read_unopened
from tsmon.stores.sqlite.retention.clock import confirm_clock, observe_clock
from tsmon.stores.sqlite.retention.kept_streams import KeptStreams, keep_streams, release_streams
from tsmon.stores.sqlite.retention.run import RetentionRun
from tsmon.stores.sqlite.retention.terms import confirm, read_status, request_drop, settle

__all__ = [
    "KeptStreams",
    "RetentionRun",
    "change_beside",
    "confirm",
    "confirm_clock",
    "keep_streams",
    "observe_clock",
    "read_status",
    "read_unopened",
    "release_streams",
    "request_drop",
    "settle",
]
