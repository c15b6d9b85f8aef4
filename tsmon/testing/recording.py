"""Recording lines as they are appended to a buffer, with the class of each point."""

from collections import deque
from collections.abc import Callable
from typing import Any

from tsmon.delivery.buffer import Buffer
from tsmon.line_protocol import Encodable, Encoding
from tsmon.line_protocol.parser import parse_line
from tsmon.points import Point
from tsmon.testing.emitted_points import EmittedPoints

__all__ = ["RecordingBuffer", "RecordingEncoding"]


class _Line(str):
    """A line that knows the class of its point."""

    __slots__ = ("cls",)
    cls: type[Any]


class RecordingEncoding(Encoding):
    """Makes lines that know the class of their point."""

    def encoder_for(self, cls: type[Encodable]) -> Callable[[Any], str]:
        """See :meth:`Encoding.encoder_for`."""
        encode = super().encoder_for(cls)

        def encode_with_class(point: Any) -> str:
            line = _Line(encode(point))
            line.cls = getattr(cls, "__point_class__", cls)
            return line

        self.encoders[cls] = encode_with_class
        return encode_with_class


class _RecordingLines(deque[str]):
    def __init__(self, listeners: list[EmittedPoints]) -> None:
        super().__init__()
        self._listeners = listeners

    def append(self, line: str, /) -> None:
        # A thread that had begun to emit when the capture began brings a line without a class.
        cls = line.cls if isinstance(line, _Line) else _find_class(parse_line(line).measurement)
        for emitted in tuple(self._listeners):
            # Points of influxdb-client have no class of their own here.
            emitted.add(cls if issubclass(cls, Point) else Point, line)
        super().append(line)


class RecordingBuffer(Buffer):
    """A buffer whose lines are passed to ``listeners`` when they are appended, however they were encoded."""

    def __init__(self, listeners: list[EmittedPoints], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.listeners = listeners
        """Captures under way."""
        self.lines = _RecordingLines(listeners)

    def refuse(self, points: int) -> None:
        """See :meth:`Buffer.refuse`."""
        for emitted in tuple(self.listeners):
            emitted.refused += points
        super().refuse(points)


def _find_class(measurement: str, of: type[Point] = Point) -> type[Point]:
    """Return the first class of a measurement; without one, the base of all."""
    for cls in of.__subclasses__():
        declaration = getattr(cls, "__declaration__", None)
        if declaration is not None and declaration.measurement == measurement:
            return cls
        if (found := _find_class(measurement, cls)) is not Point:
            return found
    return Point
