"""Lines of text, decoded one by one."""

from collections.abc import Callable, Iterable, Iterator

from tsmon_agent.tables.encodings import decode_line

__all__ = ["DecodedLines"]


class DecodedLines(Iterator[str]):
    """Lines that were decoded as UTF-8 with ``surrogateescape``, in their own encoding; notes which have none.

    A line that is not ``is_row``, by its number and text, is an empty line, unless it is within a quoted cell.
    """

    def __init__(
        self, lines: Iterable[str], encoding: str | None, is_row: Callable[[int, str], bool] | None = None
    ) -> None:
        self._lines = iter(lines)
        self._encoding = encoding
        self._is_row = is_row
        self._number = 0
        self._is_quoted = False
        self._reason = ""

    def __next__(self) -> str:
        line = next(self._lines)
        self._number += 1
        if self._is_row is not None:
            if not self._is_quoted and not self._is_row(self._number, line):
                return "\n"
            if '"' in line and line.count('"') % 2:
                self._is_quoted = not self._is_quoted
        if not line.isascii():
            try:
                return decode_line(line, self._encoding)
            except ValueError as error:
                self._reason = str(error)
        return line

    def take_reason(self) -> str:
        """Why a line since the last call cannot be decoded; empty if all can."""
        reason, self._reason = self._reason, ""
        return reason
