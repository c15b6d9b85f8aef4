"""Lines of text, decoded one by one."""

from collections.abc import Iterable, Iterator

from tsmon_agent.tables.encodings import decode_line

__all__ = ["DecodedLines"]


class DecodedLines(Iterator[str]):
    """Lines that were decoded as UTF-8 with ``surrogateescape``, in their own encoding; notes which have none."""

    def __init__(self, lines: Iterable[str], encoding: str | None) -> None:
        self._lines = iter(lines)
        self._encoding = encoding
        self._reason = ""

    def __next__(self) -> str:
        line = next(self._lines)
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
