"""Parts of a batch that a store does not take as a whole."""

from tsmon.buffer import Batch
from tsmon.errors import LineProtocolError
from tsmon.line_protocol import split_lines
from tsmon.line_protocol.parser import parse_line

__all__ = ["halves", "suspects_apart"]


def halves(batch: Batch) -> list[Batch]:
    """Both halves; none of a single line, or where the lines cannot be told apart."""
    lines = _lines_of(batch)
    middle = len(lines) // 2
    return [_joined(lines[:middle]), _joined(lines[middle:])] if middle else []


def suspects_apart(batch: Batch) -> list[Batch]:
    """The lines that can be parsed, and those that cannot; halves where all are alike."""
    good: list[str] = []
    suspect: list[str] = []
    for line in _lines_of(batch):
        try:
            parse_line(line)
            good.append(line)
        except LineProtocolError:
            suspect.append(line)
    return [_joined(good), _joined(suspect)] if good and suspect else halves(batch)


def _lines_of(batch: Batch) -> list[str]:
    """Its lines; none where they cannot be told apart."""
    try:
        lines = [line for _, line in split_lines(batch.data)]
    except LineProtocolError:
        return []
    return lines if len(lines) == batch.lines else []


def _joined(lines: list[str]) -> Batch:
    return Batch("\n".join(lines).encode(), len(lines))
