"""Parameters that several addresses of streams and instruments have."""

from typing import Final

from tsmon.availability import parse_time
from tsmon.errors import AvailabilityError
from tsmon_agent.web.requests.parameters import Parameter, choice, text

__all__ = [
    "DESIGNATOR",
    "EXACT_TIMES",
    "FILTERS",
    "FORMAT",
    "INSTRUMENT",
    "METHOD",
    "START",
    "STOP",
    "STREAM",
    "STREAM_KEY",
    "TIMES",
]

INSTRUMENT: Final = text("designator", "Reference designator of the instrument.", where="path")
STREAM_KEY: Final = (
    INSTRUMENT,
    text("method", "Method of the stream.", where="path"),
    text("stream", "Name of the stream.", where="path"),
)
"""The names of a stream in a path."""

DESIGNATOR: Final = text("reference_designator", "Only of this instrument.")
METHOD: Final = text("method", "Only streams of this method, such as streamed or telemetered.")
STREAM: Final = text("stream", "Only streams of this name.")
FILTERS: Final = (METHOD, STREAM)

FORMAT: Final = choice("format", "Format of the response.", {"json": "json", "csv": "csv"}, "json")

EXACT_TIMES: Final = choice(
    "times",
    "Whether times in JSON are cut to whole seconds, or have a fraction where an interval is short.",
    {"seconds": "seconds", "exact": "exact"},
    "seconds",
)


def _parse_time(time: str) -> int | None:
    try:
        return parse_time(time) if time else None
    except AvailabilityError as error:
        raise ValueError(f"is wrong: {error}") from None


def _time(name: str, description: str, example: str) -> Parameter[int | None]:
    return Parameter(name=name, description=description, parse=_parse_time, default=None, example=example)


START: Final = _time(
    "start_time",
    "Start of the range: ISO 8601, YYYY-MM-DD HH:MM:SS in UTC, or seconds since 1970; by default when data are "
    "first expected.",
    "2024-05-01T00:00:00Z",
)
STOP: Final = _time("stop_time", "End of the range, in the same formats; by default now.", "2024-06-01 00:00:00")
TIMES: Final = (START, STOP)
