"""Series of data streams."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["StreamBin", "StreamFreshness"]


class StreamBin(Point, measurement="stream_bins"):
    """A bin of a stream's data, reported by the program that received them; ``time`` is that of the first datum.

    For programs that report bins instead of points. A selector of this measurement selects such reported bins: they
    are used as they are, not computed from the points of windows.
    """

    reference_designator: Tag[str]
    """The instrument, such as ``CE01ISSM-MFD37-03-CTDBPC000``."""
    method: Tag[str]
    """How the data arrive, such as ``streamed`` or ``recovered_host``."""
    stream: Tag[str]
    """Name of the stream, such as ``ctdbp_cdef_dcl_instrument``."""
    length: int
    """Time from the first datum to the last, in nanoseconds."""
    count: int
    """Number of data."""


class StreamFreshness(Point, measurement="stream_freshness"):
    """Freshness of an expected stream; written when it changes, and once an hour."""

    reference_designator: Tag[str]
    """The instrument."""
    method: Tag[str]
    """How its data arrive."""
    stream: Tag[str]
    """Name of the stream."""
    state: str
    """``operational``, ``degraded``, ``failed``, ``silent host`` or ``not tracked``."""
    level: int
    """The state as a number: 0 not tracked, 1 operational, 2 degraded, 3 failed, 4 silent host."""
    age: float | None = None
    """Age of the newest datum in seconds; left out if there is none."""
    rate: float | None = None
    """Recent rate of data, in Hz; left out if no data are expected or the rate is not known yet."""
    expected_rate: float | None = None
    """Expected rate of data, in Hz; left out if it is not known."""
