"""Text of line protocol to lines, as InfluxDB OSS 2.x splits it.

A newline inside a quoted string belongs to the string, and one directly after a backslash belongs to its token,
even in a name. Blank lines and lines that start with ``#`` are skipped.
"""

import re
from collections.abc import Iterator

from tsmon.errors import LineProtocolError

__all__ = ["split_lines"]

_quoted_line = re.compile(
    r"""
    (?: [^\\ \n]++ | \\. | \\\Z )*+                     # measurement and tags: quotes are ordinary
    (?:
        [ ] (?: [^\\=,\n]++ | \\. | \\\Z )*+            # a field key: still ordinary
        (?:
            = (?: [^\\",\n]++ | \\. | \\\Z | "(?:[^\\"]++|\\.|\\\Z)*+(?:"|\Z) )*+
            (?: , (?: [^\\=,\n]++ | \\. | \\\Z )*+ )?+
        )*+
        (?: , (?: [^\\\n]++ | \\. | \\\Z )*+ )?+        # one comma too many: no strings from here on
    )?+
    """,
    re.DOTALL | re.VERBOSE,
)


def split_lines(data: bytes | str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) for each line with a point; newlines inside strings do not split lines."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise LineProtocolError(f"byte {error.object[error.start]:#04x} is not UTF-8", line=number) from None
    if '"' not in text and "\\\n" not in text:
        for number, line in enumerate(text.split("\n"), 1):
            stripped = line.lstrip(" \t\x00")
            if stripped and not stripped.startswith("#"):
                yield number, stripped
        return
    number, position = 1, 0
    while position < len(text):
        end = _find_line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip(" \t\x00")
        if stripped and not stripped.startswith("#"):
            yield number, stripped
        number += line.count("\n") + 1
        position = end + 1


def _find_line_end(text: str, position: int) -> int:
    """Return the index of the newline that ends the line at ``position``, or the length of the text."""
    end = text.find("\n", position)
    if end < 0:
        end = len(text)
    if text.find('"', position, end) < 0 and text[end - 1] != "\\":
        return end
    match = _quoted_line.match(text, position)
    assert match is not None  # the pattern matches the empty text
    return match.end()
