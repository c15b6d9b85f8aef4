"""Lines of text, decoded one by one."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tsmon_agent.tables.encodings import decode_line

__all__ = ["DecodedLines"]


class DecodedLines(Iterator[str]):
    """Lines that were decoded as UTF-8 with ``surrogateescape``, in their own encoding; notes which have none.

    A line that is not ``is_row``, by its number and text, is an empty line, unless it is within a quoted cell. The
    lines of a record are kept until it is known whether it is one.
    """

    def __init__(
        self, lines: Iterable[str], encoding: str | None, is_row: Callable[[int, str], bool] | None = None
    ) -> None:
        self._lines = iter(lines)
        self._encoding = encoding
        self._is_row = is_row
        self._is_quoted = False
        self._reason = ""
        self._record: list[str] = []
        self._again: deque[str] = deque()
        self.number = 0
        """Number of the last line."""

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self._record.append(line)
        if self._is_row is not None:
            if not self._is_quoted and not self._is_row(self.number, line):
                return "\n"
            if '"' in line and line.count('"') % 2:
                self._is_quoted = not self._is_quoted
        if not line.isascii():
            try:
                return decode_line(line, self._encoding)
            except ValueError as error:
                self._reason = str(error)
        return line

    def read_again(self, line: str) -> None:
        """Read this line in place of the last one."""
        self._again.appendleft(line)
        self._record = []
        self._is_quoted = False
        self.number -= 1

    def finish_record(self) -> str:
        """Begin another record; returns why a line of the last one cannot be decoded, or nothing."""
        reason, self._reason = self._reason, ""
        self._record = []
        return reason

    def reject_first_line(self) -> str:
        """The first line of a record that is none; its other lines are read again, as rows of their own."""
        first, *others = self._record
        self._again.extendleft(reversed(others))
        self.number -= len(others)
        self._is_quoted = False
        self.finish_record()
        return first.rstrip("\r\n")
