"""Parts of a batch that a store does not take as a whole."""

from tsmon.delivery.buffer import Batch
from tsmon.errors import LineProtocolError, TypeConflict
from tsmon.line_protocol import split_lines
from tsmon.line_protocol.parser import parse_line

__all__ = ["halves", "lines_of", "split_refused", "split_unparseable"]


def halves(batch: Batch) -> list[Batch]:
    """Both halves; none of a single line, or where the lines cannot be told apart."""
    lines = lines_of(batch)
    middle = len(lines) // 2
    return [_joined(lines[:middle]), _joined(lines[middle:])] if middle else []


def split_unparseable(batch: Batch) -> list[Batch]:
    """The lines that can be parsed, and those that cannot; halves where all are alike."""
    good: list[str] = []
    suspect: list[str] = []
    for line in lines_of(batch):
        try:
            parse_line(line)
            good.append(line)
        except LineProtocolError:
            suspect.append(line)
    return [_joined(good), _joined(suspect)] if good and suspect else halves(batch)


def split_refused(batch: Batch, count: int, conflict: TypeConflict | None = None) -> list[Batch]:
    """Split a batch of which a store refused ``count`` lines: first those that it stored, then the suspects.

    The suspects are the lines with the type that the store named in ``conflict``. Without one they are the oldest
    lines, which may be beyond the store's retention. Returns halves if this separates nothing.
    """
    lines = lines_of(batch)
    parsed = []
    for line in lines:
        try:
            parsed.append(parse_line(line))
        except LineProtocolError:
            return halves(batch)
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
    return [_joined(good), _joined(bad)] if good and bad else halves(batch)


def lines_of(batch: Batch) -> list[str]:
    """Its lines; none where they cannot be told apart."""
    try:
        lines = [line for _, line in split_lines(batch.data)]
    except LineProtocolError:
        return []
    return lines if len(lines) == batch.lines else []


def _joined(lines: list[str]) -> Batch:
    return Batch("\n".join(lines).encode(), len(lines))
