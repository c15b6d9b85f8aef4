"""Intervals as the pieces of a row: as wide as they are long, but never so narrow that a gap is lost.

Positions are percent of the row. Neighbouring intervals that are too narrow to be seen become one piece, which
shows the worst of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tsmon.availability.chart.narrow_intervals import NARROWEST, group_narrow, worst_category
from tsmon.availability.deployments import Span
from tsmon.availability.interval import Interval

__all__ = ["Piece", "build_deployment_pieces", "build_pieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle from ``x`` on, ``width`` wide; ``text`` describes it in words, one line for each fact.

    ``kind`` is the number of the category or of the deployment.
    """

    x: str
    width: str
    kind: int
    text: str


def build_pieces(
    intervals: Iterable[Interval], start_ns: int, end_ns: int, describe: Callable[[Sequence[Interval]], str]
) -> list[Piece]:
    """Build the pieces of a stream's row from ``start_ns`` to ``end_ns``; narrow ones come last, so on top.

    ``describe`` returns the text of a piece from its intervals, which are one or several narrow ones.
    """
    if start_ns >= end_ns:
        return []
    scale = 100 / (end_ns - start_ns)
    wide: list[Piece] = []
    narrow: list[Piece] = []
    for group in group_narrow(intervals, NARROWEST / scale):
        worst = worst_category(*(one.category for one in group))
        x = (group[0].start_ns - start_ns) * scale
        width = (group[-1].end_ns - group[0].start_ns) * scale
        (wide if width >= NARROWEST else narrow).append(_build_piece(x, width, worst, describe(group)))
    return wide + narrow


def build_deployment_pieces(
    spans: Iterable[Span], start_ns: int, end_ns: int, describe: Callable[[int, Span], str]
) -> list[Piece]:
    """Build the pieces of the row of deployments: which of them governs when.

    ``describe`` returns the text of a piece from the deployment's number and its span.
    """
    found = []
    for span in spans:
        low_ns, high_ns = max(span.start_ns, start_ns), min(span.end_ns, end_ns)
        if span.deployment is not None and low_ns < high_ns:
            scale, number = 100 / (end_ns - start_ns), span.deployment.number
            x, width = (low_ns - start_ns) * scale, (high_ns - low_ns) * scale
            found.append(_build_piece(x, width, number, describe(number, span)))
    return found


def _build_piece(x: float, width: float, kind: int, text: str) -> Piece:
    if width < NARROWEST:
        width = NARROWEST
        x = min(x, 100 - width)
    return Piece(f"{x:.4g}%", f"{width:.4g}%", kind, text)
