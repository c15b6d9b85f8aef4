"""What was emitted in a test, by class."""

import threading
from collections.abc import Iterator
from typing import Any, Final, TypeVar, overload

import msgspec

from tsmon.line_protocol.parser import parse_line
from tsmon.points import Point
from tsmon.testing.decoding import decode_point

__all__ = ["EmittedPoints"]

PointT = TypeVar("PointT", bound=Point)

SHOWN: Final = 20


class EmittedPoints:
    """Points in the order in which they were emitted, from all Monitors and threads of this process.

    They are as a store would have them: with the time that was taken, the service that was filled in and the
    Monitor's default tags; whether they have been flushed does not matter.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: list[tuple[type[Point], str]] = []
        self.refused = 0
        """Points that were refused, whether or not that raised."""

    def __repr__(self) -> str:
        return f"<{len(self)} emitted points>"

    def __len__(self) -> int:
        return len(self._taken)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points())

    def take(self, cls: type[Point], line: str) -> None:
        """Remember one."""
        with self._lock:
            self._taken.append((cls, line))

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._taken.clear()
        self.refused = 0

    @property
    def lines(self) -> list[str]:
        """Line protocol of all points."""
        return [line for _, line in self._taken]

    @overload
    def points(self, /) -> list[Point]: ...
    @overload
    def points(self, cls: type[PointT], /, **attributes: Any) -> list[PointT]: ...
    def points(self, cls: type[Any] = Point, /, **attributes: Any) -> list[Any]:
        """Points of a class (or of one derived from it) whose attributes equal all of ``attributes``."""
        unknown = sorted(set(attributes) - set(cls.__struct_fields__))
        if unknown:
            raise AttributeError(
                f"{cls.__name__} has no attribute {unknown[0]!r}; it has {', '.join(cls.__struct_fields__)}"
            )
        with self._lock:
            taken = [pair for pair in self._taken if issubclass(pair[0], cls)]
        found = [decode_point(one, parse_line(line)) for one, line in taken]
        return [
            point for point in found if all(getattr(point, name) == value for name, value in attributes.items())
        ]

    def one(self, cls: type[PointT], /, **attributes: Any) -> PointT:
        """The only such point; fails, saying what was emitted, where there is none or more than one."""
        __tracebackhide__ = True
        found = self.points(cls, **attributes)
        if len(found) != 1:
            raise AssertionError(f"{_wanted(cls, attributes)} was emitted {_times(found)}; {self._told(cls)}")
        return found[0]

    def none(self, cls: type[Point], /, **attributes: Any) -> None:
        """Fail where there is such a point."""
        __tracebackhide__ = True
        found = self.points(cls, **attributes)
        if found:
            raise AssertionError(f"{_wanted(cls, attributes)} was emitted {_times(found)}; {self._told(cls)}")

    def _told(self, cls: type[Point]) -> str:
        own = self.points(cls)
        shown = [f"\n  {_shown(point)}" for point in own[:SHOWN]]
        more = [f"\n  … and {len(own) - SHOWN} more"] if len(own) > SHOWN else []
        others: dict[str, int] = {}
        with self._lock:
            for other, _ in self._taken:
                if not issubclass(other, cls):
                    others[other.__name__] = others.get(other.__name__, 0) + 1
        rest = [f"\n  {count} of {name}" for name, count in sorted(others.items())]
        refused = [f"\n  {self.refused} refused"] if self.refused else []
        listed = shown + more + rest + refused
        return "there were:" + "".join(listed) if listed else "nothing was emitted"


def _wanted(cls: type[Point], attributes: dict[str, Any]) -> str:
    return f"{cls.__name__}({', '.join(f'{name}={value!r}' for name, value in attributes.items())})"


def _times(found: list[Any]) -> str:
    return {0: "never", 1: "once"}.get(len(found), f"{len(found)} times")


def _shown(point: Point) -> str:
    values = {
        name: value for name, value in msgspec.structs.asdict(point).items() if value is not None and name != "time"
    }
    return _wanted(type(point), values)
