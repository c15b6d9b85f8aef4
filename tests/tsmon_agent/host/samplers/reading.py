"""Looking at points as they are written, and waiting for the kernel."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tsmon.line_protocol import FieldValue, ParsedPoint, encode, parse_line
from tsmon.points import Point

__all__ = ["MACHINES", "eventually", "only_fields", "written", "written_by"]

MACHINES: Final = Path(__file__).parent / "machines"
"""Files of /proc and /sys as the kernels of a server, of a container in it and of a small old board show them."""


def written(points: list[Point]) -> list[ParsedPoint]:
    """The points as a store reads them."""
    return [parse_line(encode(point).decode()) for point in points]


def written_by(tag: str, points: list[Point]) -> dict[str, ParsedPoint]:
    """The points as a store reads them, by one of their tags."""
    return {point.tags[tag]: point for point in written(points)}


def only_fields(points: list[Point]) -> dict[str, FieldValue]:
    """Fields of the one point there is."""
    (point,) = written(points)
    return point.fields


def eventually(check: Callable[[], bool]) -> None:
    """Wait until ``check`` holds: figures that the kernel shows twice agree only if nothing happens between."""
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, "it has not come true within 20 s"
        time.sleep(0.005)
