"""Which spans of time batches of lines touch, by a light look at them."""

import re
from typing import Final

__all__ = ["WrittenSpans"]

MOST: Final = 1_000
"""Measurements that are told apart; beyond that nothing more is remembered, and the counts of days tell."""


_measurement: Final = re.compile(rb"(?:[^\\, ]|\\.?)++")


class WrittenSpans:
    """For each measurement the span from the oldest to the newest of its points, as far as they are late."""

    def __init__(self) -> None:
        self._spans: dict[bytes, tuple[int, int]] = {}

    def saw(self, lines: bytes, before_ns: int) -> None:
        """Look at a batch for points from before ``before_ns``; lines without a time do not count."""
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
            elif len(spans) < MOST:
                spans[name] = time_ns, time_ns

    def take(self) -> list[tuple[str, int, int]]:
        """Measurement, start and end of each span so far, which are forgotten then."""
        from tsmon.line_protocol.escaping import unescape_measurement

        spans, self._spans = self._spans, {}
        return [
            (unescape_measurement(name.decode(errors="replace")), low_ns, high_ns + 1)
            for name, (low_ns, high_ns) in spans.items()
        ]
