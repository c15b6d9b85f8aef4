"""A stream whose beginning can be looked at before it is read, also if it is a pipe."""

import io
from typing import BinaryIO, Final

__all__ = ["HeadedStream"]

PART: Final = 1 << 16


class HeadedStream(io.RawIOBase):
    """Reads ``inner``; what :meth:`head` returns is read again."""

    def __init__(self, inner: BinaryIO | io.RawIOBase) -> None:
        super().__init__()
        self.inner = inner
        """The stream that is read."""
        self._waiting = b""
        self._error: Exception | None = None

    def head(self, size: int) -> bytes:
        """The next ``size`` bytes, or all if there are fewer.

        An error after the first bytes is raised when they have been read, so what a damaged file holds is not lost.
        """
        parts = [self._waiting]
        missing = size - len(self._waiting)
        try:
            while missing > 0 and (part := self.inner.read(PART)):
                parts.append(part)
                missing -= len(part)
        except Exception as error:
            if not any(parts):
                raise
            self._error = error
        self._waiting = b"".join(parts)
        return self._waiting[:size]

    def skip(self, size: int) -> None:
        """Leave out bytes that :meth:`head` has returned."""
        self._waiting = self._waiting[size:]

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """See :class:`io.RawIOBase`."""
        if self._waiting:
            part = self._waiting[: len(buffer)]
            self._waiting = self._waiting[len(part) :]
        elif self._error is not None:
            raise self._error
        else:
            part = self.inner.read(len(buffer)) or b""
        buffer[: len(part)] = part
        return len(part)
