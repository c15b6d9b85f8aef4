"""The points that were emitted in a test, by class."""

import threading
from collections.abc import Iterator
from typing import Any, Final, TypeVar, overload

import msgspec

from tsmon.line_protocol.parser import parse_line
from tsmon.points import Point
from tsmon.testing.decoding import decode_point

__all__ = ["EmittedPoints"]

PointT = TypeVar("PointT", bound=Point)

MAX_LISTED: Final = 20
"""Points that a failure lists one by one."""


class EmittedPoints:
    """Points in the order in which they were emitted, from all Monitors and threads of this process.

    They have what a store would receive: the time that was assigned, the service that was filled in and the default
    tags of the Monitor; an attribute that was left out, because its value was missing or NaN, is None. Points of
    influxdb-client are plain points, with tags and fields. Whether points have been flushed does not matter.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._emitted: list[tuple[type[Point], str]] = []
        self.refused = 0
        """Number of points that were refused, whether or not that raised."""

    def __repr__(self) -> str:
        return f"<{len(self)} emitted points>"

    def __len__(self) -> int:
        return len(self._emitted)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points())

    def add(self, cls: type[Point], line: str) -> None:
        """Add one point."""
        with self._lock:
            self._emitted.append((cls, line))

    def clear(self) -> None:
        """Forget all points so far."""
        with self._lock:
            self._emitted.clear()
        self.refused = 0

    @property
    def lines(self) -> list[str]:
        """The lines of all points, in line protocol."""
        return [line for _, line in self._emitted]

    @overload
    def points(self, /) -> list[Point]: ...
    @overload
    def points(self, cls: type[PointT], /, **attributes: Any) -> list[PointT]: ...
    def points(self, cls: type[Any] = Point, /, **attributes: Any) -> list[Any]:
        """Return the points of a class, or of one derived from it, whose attributes equal all of ``attributes``."""
        unknown = sorted(set(attributes) - set(cls.__struct_fields__))
        if unknown:
            raise AttributeError(
                f"{cls.__name__} has no attribute {unknown[0]!r}; it has {', '.join(cls.__struct_fields__)}"
            )
        with self._lock:
            emitted = [pair for pair in self._emitted if issubclass(pair[0], cls)]
        found = [decode_point(one, parse_line(line)) for one, line in emitted]
        return [
            point for point in found if all(getattr(point, name) == value for name, value in attributes.items())
        ]

    def one(self, cls: type[PointT], /, **attributes: Any) -> PointT:
        """Return the only such point; if there is none or more than one, fail and list what was emitted."""
        __tracebackhide__ = True
        found = self.points(cls, **attributes)
        if len(found) != 1:
            raise AssertionError(self._describe_failure(cls, attributes, found))
        return found[0]

    def none(self, cls: type[Point], /, **attributes: Any) -> None:
        """Fail if there is such a point, and list what was emitted."""
        __tracebackhide__ = True
        found = self.points(cls, **attributes)
        if found:
            raise AssertionError(self._describe_failure(cls, attributes, found))

    def _describe_failure(self, cls: type[Point], attributes: dict[str, Any], found: list[Any]) -> str:
        times = {0: "never", 1: "once"}.get(len(found), f"{len(found)} times")
        return f"{_describe_query(cls, attributes)} was emitted {times}; {self._describe_emitted(cls)}"

    def _describe_emitted(self, cls: type[Point]) -> str:
        own = self.points(cls)
        shown = [f"\n  {_describe_point(point)}" for point in own[:MAX_LISTED]]
        more = [f"\n  … and {len(own) - MAX_LISTED} more"] if len(own) > MAX_LISTED else []
        others: dict[str, int] = {}
        with self._lock:
            for other, _ in self._emitted:
                if not issubclass(other, cls):
                    others[other.__name__] = others.get(other.__name__, 0) + 1
        rest = [f"\n  {count} of {name}" for name, count in sorted(others.items())]
        refused = [f"\n  {self.refused} refused"] if self.refused else []
        listed = shown + more + rest + refused
        return "there were:" + "".join(listed) if listed else "nothing was emitted"


def _describe_query(cls: type[Point], attributes: dict[str, Any]) -> str:
    return f"{cls.__name__}({', '.join(f'{name}={value!r}' for name, value in attributes.items())})"


def _describe_point(point: Point) -> str:
    values = {
        name: value for name, value in msgspec.structs.asdict(point).items() if value is not None and name != "time"
    }
    return _describe_query(type(point), values)
