"""Capturing the points of Monitors, which write to memory as long as a test lasts."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tsmon.delivery.buffer import Buffer
from tsmon.line_protocol import Encodable, Encoding
from tsmon.monitor import from_settings, pipeline
from tsmon.points import Point
from tsmon.stores import Store
from tsmon.stores.memory import MemoryStore
from tsmon.testing.emitted_points import EmittedPoints

__all__ = ["capture_points"]


class _Line(str):
    """A line that knows the class of its point."""

    __slots__ = ("cls",)
    cls: type[Any]


class _CapturingEncoding(Encoding):
    def encoder_for(self, cls: type[Encodable]) -> Callable[[Any], str]:
        encode = super().encoder_for(cls)

        def encode_with_class(point: Any) -> str:
            line = _Line(encode(point))
            line.cls = getattr(cls, "__point_class__", cls)
            return line

        self.encoders[cls] = encode_with_class
        return encode_with_class


@contextmanager
def capture_points(store: Store | None = None) -> Iterator[EmittedPoints]:
    """Capture the points of Monitors that are created inside.

    A Monitor whose store would come from the settings writes to ``store``, by default one in memory, without a
    server, a file or a spool. A Monitor that was given a store keeps it.
    """
    from tsmon.monitor import source
    from tsmon.stores import factory

    emitted = EmittedPoints()
    memory = store or MemoryStore()

    class CapturingLines(deque[str]):
        def append(self, line: str, /) -> None:
            if isinstance(line, _Line) and issubclass(line.cls, Point):
                emitted.add(line.cls, line)
            super().append(line)

    class CapturingBuffer(Buffer):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.lines = CapturingLines()

        def refuse(self, points: int) -> None:
            emitted.refused += points
            super().refuse(points)

    def store_from(*_: Any, **__: Any) -> Store:
        return memory

    # A Monitor looks its parts up here when it is created.
    patches: list[tuple[Any, str, Any]] = [
        (from_settings, "Encoding", _CapturingEncoding),
        (pipeline, "Buffer", CapturingBuffer),
        (factory, "store_from", store_from),
        (source, "MAX_HELD", 1),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in patches]
    for module, name, part in patches:
        setattr(module, name, part)
    try:
        yield emitted
    finally:
        for module, name, part in before:
            setattr(module, name, part)
