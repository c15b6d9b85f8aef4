"""Series of data streams."""

from tsmon.line_protocol import Tag
from tsmon.points.point import Point

__all__ = ["StreamBin"]


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
