"""Splitting a batch that a store does not take as a whole."""

from collections.abc import Collection

from tsmon.delivery.blocks import Batch
from tsmon.errors import LineProtocolError, TypeConflict
from tsmon.line_protocol import split_lines
from tsmon.line_protocol.parser import parse_line

__all__ = ["join_lines", "split_in_half", "split_into_lines", "split_named", "split_refused", "split_unparseable"]


def split_in_half(batch: Batch) -> list[Batch]:
    """Both halves; nothing if it is a single line, or if its lines cannot be separated."""
    lines = split_into_lines(batch)
    middle = len(lines) // 2
    return [join_lines(lines[:middle]), join_lines(lines[middle:])] if middle else []


def split_unparseable(batch: Batch) -> list[Batch]:
    """First the lines that can be parsed, then those that cannot; halves if all or none can be parsed."""
    good: list[str] = []
    suspect: list[str] = []
    for line in split_into_lines(batch):
        try:
            parse_line(line)
            good.append(line)
        except LineProtocolError:
            suspect.append(line)
    return [join_lines(good), join_lines(suspect)] if good and suspect else split_in_half(batch)


def split_refused(batch: Batch, count: int, conflict: TypeConflict | None = None) -> list[Batch]:
    """Split a batch of which a store refused ``count`` lines: first those that it stored, then the suspects.

    The suspects are the lines with the type that the store named in ``conflict``. Without one they are the oldest
    lines, which may be beyond the store's retention. Returns halves if this separates nothing.
    """
    lines = split_into_lines(batch)
    parsed = []
    for line in lines:
        try:
            parsed.append(parse_line(line))
        except LineProtocolError:
            return split_in_half(batch)
    if conflict is not None:
        suspects = {
            number
            for number, point in enumerate(parsed)
            if point.measurement == conflict.measurement and type(point.fields.get(conflict.field)) is conflict.type
        }
    else:
        by_age = sorted(range(len(lines)), key=lambda number: parsed[number].time_ns or 0)
        suspects = set(by_age[:count])
    good = [line for number, line in enumerate(lines) if number not in suspects]
    bad = [line for number, line in enumerate(lines) if number in suspects]
    return [join_lines(good), join_lines(bad)] if good and bad else split_in_half(batch)


def split_named(batch: Batch, numbers: Collection[int]) -> tuple[list[str], list[str]] | None:
    """The lines without these numbers (from 0), and those with them; None if the batch has not all of them."""
    lines = split_into_lines(batch)
    if not numbers or max(numbers) >= len(lines):
        return None
    others = [line for number, line in enumerate(lines) if number not in numbers]
    return others, [lines[number] for number in sorted(numbers)]


def split_into_lines(batch: Batch) -> list[str]:
    """The lines of a batch; nothing if they cannot be separated."""
    try:
        lines = [line for _, line in split_lines(batch.data)]
    except LineProtocolError:
        return []
    return lines if len(lines) == batch.lines else []


def join_lines(lines: list[str]) -> Batch:
    """One batch of several lines."""
    return Batch("\n".join(lines).encode(), len(lines))
