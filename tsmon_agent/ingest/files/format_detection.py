"""Detection of a file's format from its beginning."""

import csv
import re
from collections.abc import Sequence
from typing import Final, Literal

from tsmon.errors import LineProtocolError
from tsmon.line_protocol import parse_line
from tsmon_agent.ingest.files.write_dialect import has_typed_name, match_annotation

__all__ = ["FORMATS", "Format", "detect_format"]

Format = Literal["line-protocol", "annotated-csv", "csv"]
FORMATS: Final[tuple[Format, ...]] = ("line-protocol", "annotated-csv", "csv")

DETECTION_BYTES: Final = 64 * 1024


_comment: Final = re.compile(r"#+(?: |$)")
_separator: Final = re.compile(r"sep=(.)", re.IGNORECASE)


def detect_format(head: bytes) -> Format:
    """The format of a file of text, by its first bytes."""
    text = head[:DETECTION_BYTES].decode(errors="surrogateescape")
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if _is_annotated(lines):
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


def _is_annotated(lines: Sequence[str]) -> bool:
    """Whether the first line that is no comment is an annotation, or a header as one of the dialects has it."""
    separator = _separator.fullmatch(lines[0]) if lines else None
    first = next((line for line in lines[1 if separator else 0 :] if not _comment.match(line)), "")
    delimiter = separator[1] if separator else ","
    cells = next(csv.reader([first], delimiter=delimiter), [])
    if not cells:
        return False
    return bool(match_annotation(cells[0])) or cells[:3] == ["", "result", "table"] or has_typed_name(cells)
