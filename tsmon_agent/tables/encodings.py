"""Encodings of text by content: Unicode in all its forms, and Western European where the bytes leave no doubt.

Whatever a file's encoding is, it is read as UTF-8. Bytes that cannot be decoded stay invalid in UTF-8 too, so the
row that contains them can be rejected.
"""

import codecs
import io
import re
from typing import BinaryIO, Final

from tsmon.errors import ImportingError
from tsmon_agent.tables.headed_stream import HeadedStream

__all__ = ["TranscodedStream", "check_encoding", "decode_line", "describe_encoding", "find_encoding", "to_utf8"]

SAMPLE: Final = 4096
WESTERN: Final = "cp1252"

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_SAME_LETTERS: Final = "ÀÁÂÄÅÇÉËÍÎÓÔÖÚÜÝßàáâäåçéëíîóôöúüý"
"""Letters that are the same in Western and Central European encodings, or hardly occur in the latter."""

_undoubted: Final = re.compile(
    # Signs of units; superscripts end a unit (in Windows-1250, they are letters).
    f"(?:[\x00-\x7f°µ±·§{_SAME_LETTERS}]|(?<=[A-Za-z])[²³](?![A-Za-z]))*"
)
_undecodable: Final = re.compile("[\udc80-\udcff]")
_word: Final = re.compile(r"[^\W\d_]+")

EXAMPLES: Final = "cp1252 (Western Europe), cp1250 (Central Europe), cp1251 (Cyrillic) or cp437 (DOS)"


def check_encoding(name: str) -> str:
    """The normalized name of an encoding; raises :class:`~tsmon.errors.ImportingError` if it is none of text."""
    try:
        "".encode(name)
        # Encodings of names of hosts cannot be read in parts.
        codecs.getincrementaldecoder(name)(UNDECODABLE).decode(b"a", final=True)
        return codecs.lookup(name).name.removesuffix("-sig")
    except (LookupError, ValueError, UnicodeError):
        raise ImportingError(
            f"there is no encoding {name!r}; name one such as utf-8, utf-16, cp1252 or latin-1"
        ) from None


def find_encoding(head: bytes) -> tuple[str, int]:
    """The Unicode encoding of a file, and the length of the mark at its beginning; UTF-8 if it has none."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    sample = head[:SAMPLE]
    zeros = [sample[start::4].count(0) for start in range(4)]
    quarter = len(sample) // 4
    if quarter:
        is_zero = [count > 0.6 * quarter for count in zeros]
        is_text = [count < 0.1 * quarter for count in zeros]
        if is_text[0] and all(is_zero[1:]):
            return "utf-32-le", 0
        if is_text[3] and all(is_zero[:3]):
            return "utf-32-be", 0
        if is_text[0] and is_text[2] and is_zero[1] and is_zero[3]:
            return "utf-16-le", 0
        if is_text[1] and is_text[3] and is_zero[0] and is_zero[2]:
            return "utf-16-be", 0
    return "utf-8", 0


def to_utf8(content: HeadedStream, size: int, given: str | None) -> tuple[HeadedStream, str]:
    """The content in UTF-8 without a byte-order mark, and its encoding, by its first ``size`` bytes or as given."""
    found, mark = find_encoding(content.head(size))
    encoding = found if given is None or mark or (given in ("utf-16", "utf-32") and found != "utf-8") else given
    content.skip(mark)
    if encoding == "utf-8":
        return content, encoding
    return HeadedStream(TranscodedStream(content, encoding)), encoding


class TranscodedStream(io.RawIOBase):
    """Reads text in an encoding as UTF-8."""

    def __init__(self, inner: BinaryIO | HeadedStream, encoding: str) -> None:
        super().__init__()
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)(UNDECODABLE)
        self._waiting = b""
        self._is_at_end = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """See :class:`io.RawIOBase`."""
        while not self._waiting and not self._is_at_end:
            part = self._inner.read(1 << 16) or b""
            self._is_at_end = not part
            self._waiting = self._decoder.decode(part, final=self._is_at_end).encode("utf-8", "surrogateescape")
        part = self._waiting[: len(buffer)]
        self._waiting = self._waiting[len(part) :]
        buffer[: len(part)] = part
        return len(part)


def decode_line(line: str, encoding: str | None) -> str:
    """A line that was decoded as UTF-8 with ``surrogateescape``; raises ValueError if it cannot be decoded.

    Without a given encoding, a line that is not UTF-8 is Western European, if no other reading is likely.
    """
    if line.isascii():
        return line
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = ord(line[error.start]) & 0xFF
    else:
        return line
    if encoding is not None:
        raise ValueError(f"it holds bytes that are not {encoding}; name the right encoding by --encoding")
    data = line.encode("utf-8", "surrogateescape")
    text = data.decode(WESTERN, "replace")
    if not _undoubted.fullmatch(text) or any(map(_is_foreign, _word.findall(text))):
        raise ValueError(f"byte {byte:#04x} is not UTF-8; name the encoding by --encoding, such as {EXAMPLES}")
    return text


def describe_encoding(head: bytes, encoding: str | None) -> str:
    """The encoding of a file for a person, by its beginning in UTF-8; empty if that is UTF-8."""
    if encoding is not None:
        return "" if encoding == "utf-8" else f"in {encoding.upper()}"
    text = head.decode("utf-8", "surrogateescape")
    if not _undecodable.search(text):
        return ""
    for line in text.splitlines():
        try:
            if decode_line(line, None) != line:
                return "in Windows-1252"
        except ValueError:
            continue
    return ""


def _is_foreign(word: str) -> bool:
    """Whether most letters are not ASCII, as in words that are Cyrillic or Greek in their own encoding."""
    return 2 * sum(map(str.isascii, word)) < len(word)


UNDECODABLE: Final = "tsmon_agent.undecodable"


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff" * (error.end - error.start), error.end


codecs.register_error(UNDECODABLE, _mark_undecodable)
