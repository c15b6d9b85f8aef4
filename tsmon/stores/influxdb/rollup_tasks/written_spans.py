"""The spans of time that written lines touch, found without parsing the lines."""

import re
from typing import Final

from tsmon.line_protocol.escaping import unescape_measurement

__all__ = ["WrittenSpans"]

MAX_MEASUREMENTS: Final = 1_000
"""Measurements beyond these are not recorded; the comparison of counts finds their late points later."""

_measurement: Final = re.compile(rb"(?:[^\\, ]|\\.?)++")


class WrittenSpans:
    """For each measurement, the span from the oldest to the newest of its late points."""

    def __init__(self) -> None:
        self._spans: dict[bytes, tuple[int, int]] = {}

    def record(self, lines: bytes, before_ns: int) -> None:
        """Record the points of a batch that are older than ``before_ns``; lines without a time are ignored."""
        spans = self._spans
        for line in lines.split(b"\n"):
            try:
                time_ns = int(line[line.rfind(b" ") + 1 :])
            except ValueError:
                continue
            if time_ns >= before_ns:
                continue
            match = _measurement.match(line)
            if match is None:
                continue
            name = match[0]
            if name in spans:
                low_ns, high_ns = spans[name]
                spans[name] = min(low_ns, time_ns), max(high_ns, time_ns)
            elif len(spans) < MAX_MEASUREMENTS:
                spans[name] = time_ns, time_ns

    def take(self) -> list[tuple[str, int, int]]:
        """Measurement, start and end of each span recorded so far; forgets them."""
        spans, self._spans = self._spans, {}
        return [
            (unescape_measurement(name.decode(errors="replace")), low_ns, high_ns + 1)
            for name, (low_ns, high_ns) in spans.items()
        ]
