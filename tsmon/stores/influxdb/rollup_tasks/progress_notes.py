"""The line that notes how far a measurement is rolled up."""

import time

from tsmon.line_protocol.escaping import escape_tag
from tsmon.stores.influxdb.rollups.layout import PROGRESS
from tsmon.stores.influxdb.rollups.progress import RolledSpan

__all__ = ["progress_line"]


def progress_line(rolled: RolledSpan) -> bytes:
    """Line protocol of the progress, with the present time."""
    tags = f"every_ns={rolled.every_ns},rolled={escape_tag(rolled.measurement)}"
    fields = f"since={rolled.since_ns}i,until={rolled.until_ns}i,keep={rolled.keep_ns}i"
    return f"{PROGRESS},{tags} {fields} {time.time_ns()}".encode()
