"""Series of data streams."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["StreamBin", "StreamFreshness"]


class StreamBin(Point, measurement="stream_bins"):
    """Data of a stream that lie together, told by who received them; ``time`` is that of the first.

    For programs that report what they took in by bins instead of by points. A selector of this measurement names
    bins that are given: they are taken as they are, not looked for in windows.
    """

    reference_designator: Tag[str]
    """The instrument, such as ``CE01ISSM-MFD37-03-CTDBPC000``."""
    method: Tag[str]
    """How data come, such as ``streamed`` or ``recovered_host``."""
    stream: Tag[str]
    """Name of the stream, such as ``ctdbp_cdef_dcl_instrument``."""
    length: int
    """Time from the first datum to the last, in nanoseconds."""
    count: int
    """Number of data."""


class StreamFreshness(Point, measurement="stream_freshness"):
    """How fresh an expected stream is; written when that changes, and once an hour."""

    reference_designator: Tag[str]
    """The instrument."""
    method: Tag[str]
    """How its data come."""
    stream: Tag[str]
    """Name of the stream."""
    state: str
    """``operational``, ``degraded``, ``failed``, ``silent host`` or ``not tracked``."""
    level: int
    """The same as a number: 0 not tracked, 1 operational, 2 degraded, 3 failed, 4 silent host."""
    age: float | None = None
    """Age of the newest datum in seconds; left out where there is none."""
    rate: float | None = None
    """Data per second of late, in Hz; left out where none are expected, or it is not known yet."""
    expected_rate: float | None = None
    """Data per second that are expected, in Hz; left out where that is not known."""
