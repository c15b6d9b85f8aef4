"""Detection of a file's format from its beginning."""

from typing import Final, Literal

from tsmon.errors import LineProtocolError
from tsmon.line_protocol import parse_line

__all__ = ["FORMATS", "Format", "detect_format"]

Format = Literal["line-protocol", "annotated-csv", "csv"]
FORMATS: Final[tuple[Format, ...]] = ("line-protocol", "annotated-csv", "csv")

DETECTION_BYTES: Final = 64 * 1024


def detect_format(head: bytes) -> Format:
    """The format of a file of text, by its first bytes."""
    text = head[:DETECTION_BYTES].decode(errors="surrogateescape")
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and (lines[0].startswith(("#datatype", "#group", "#default")) or lines[0].startswith(",result,table")):
        return "annotated-csv"
    for line in lines[:100]:
        if line.startswith("#"):
            continue
        try:
            parse_line(line)
        except LineProtocolError:
            continue
        return "line-protocol"
    return "csv"
