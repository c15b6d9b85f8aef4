"""What is asked about an instrument: which of its streams, which time, which rules."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from tsmon.availability import EXACT, PRESETS, Rules, parse_time
from tsmon.errors import AvailabilityError, InvalidPointError
from tsmon.line_protocol.values import to_time_ns
from tsmon_agent.streams.availability.instrument import Instrument
from tsmon_agent.web.openapi import Parameter

__all__ = ["FILTERS", "RULES", "TIMES", "Query", "only_known", "query_of"]

_NUMBER: Final[Mapping[str, Any]] = {"type": "number"}

FILTERS: Final = (
    Parameter("method", "Only streams of this method, such as streamed or telemetered."),
    Parameter("stream", "Only the stream of this name."),
)

TIMES: Final = (
    Parameter(
        "start_time",
        "Beginning of the answer: ISO 8601, YYYY-MM-DD HH:MM:SS in UTC, or seconds since 1970. "
        "By default when something is expected first.",
        example="2024-05-01T00:00:00Z",
    ),
    Parameter("stop_time", "End of the answer, likewise; by default now.", example="2024-06-01 00:00:00"),
)

RULES: Final = (
    Parameter("preset", "Rules to begin with.", {"type": "string", "enum": list(PRESETS)}),
    Parameter("gap_fraction", "No data for more than this part of a deployment are missing.", _NUMBER),
    Parameter("bin_width", "Width in seconds of the bins for which sparsity is told.", _NUMBER),
    Parameter(
        "bounds",
        "Three ratios of separations with commas between: of present, level 1, level 2.",
        example="1,1.5,2",
    ),
    Parameter("sparse_floor", "A separation of up to this part of a deployment is never sparse.", _NUMBER),
    Parameter("tolerance", "Added to the first bound.", _NUMBER),
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question about an instrument, understood."""

    instrument: Instrument
    start_ns: int | None
    end_ns: int | None


def query_of(request: web.Request, instrument: Instrument) -> Query:
    """The question of a request about an instrument; raises 400 with a sentence, 404 where nothing fits it."""
    asked = request.query
    if not instrument.streams:
        rules_of(asked, EXACT)  # they have to be right even where they matter to nothing
    streams = [
        replace(stream, rules=rules_of(asked, stream.rules))
        for stream in instrument.streams
        if asked.get("method") in (None, "", stream.method) and asked.get("stream") in (None, "", stream.name)
    ]
    if not streams and (asked.get("method") or asked.get("stream")):
        raise web.HTTPNotFound(text="The instrument has no such stream; see what it has under /instrument.")
    start_ns, end_ns = _time(asked, "start_time"), _time(asked, "stop_time")
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise web.HTTPBadRequest(text="The range ends before it starts; exchange start_time and stop_time.")
    return Query(replace(instrument, streams=streams), start_ns, end_ns)


def only_known(request: web.Request, *parameters: Parameter) -> None:
    """Raise 400 for a parameter that is misspelt or given twice, which would silently do nothing."""
    known = [parameter.name for parameter in parameters]
    for name in request.query:
        if name not in known:
            raise web.HTTPBadRequest(text=f"A parameter is none of {', '.join(known)}.")
        if len(request.query.getall(name)) > 1:
            raise web.HTTPBadRequest(text=f"The parameter {name} is there more than once.")


def rules_of(asked: Mapping[str, str], base: Rules) -> Rules:
    """Rules of a stream, changed as asked; raises 400 with a sentence."""
    changes: dict[str, Any] = {}
    if (preset := asked.get("preset")) is not None:
        if preset not in PRESETS:
            raise web.HTTPBadRequest(text=f"The parameter preset is none of {', '.join(PRESETS)}.")
        chosen = PRESETS[preset]
        changes = {"gaps": chosen.gaps, "sparse_floor": chosen.sparse_floor, "tolerance": chosen.tolerance}
    for name in ("gap_fraction", "sparse_floor", "tolerance"):
        if name in asked:
            changes[name] = _number(name, asked[name])
    if "bounds" in asked:
        changes["bounds"] = tuple(_number("bounds", part) for part in asked["bounds"].split(","))
        if len(changes["bounds"]) != 3:
            raise web.HTTPBadRequest(text="The parameter bounds takes three numbers, such as 1,1.5,2.")
    try:
        if "bin_width" in asked:
            changes["bin_width_ns"] = to_time_ns(_number("bin_width", asked["bin_width"]))
        return replace(base, **changes) if changes else base
    except (AvailabilityError, InvalidPointError) as error:
        raise web.HTTPBadRequest(text=_sentence(error)) from None


def _time(asked: Mapping[str, str], name: str) -> int | None:
    if not asked.get(name):
        return None
    try:
        return parse_time(asked[name])
    except AvailabilityError as error:
        raise web.HTTPBadRequest(text=f"The parameter {name}: {error}.") from None


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise web.HTTPBadRequest(text=f"The parameter {name} is no number.")
    return value


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
