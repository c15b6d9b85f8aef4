"""What a request asks about an instrument: which of its streams, over which time, by which rules."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web

from tsmon.availability import EXACT
from tsmon.errors import AvailabilityError, InvalidPointError
from tsmon_agent.streams.availability.instrument import Instrument, load_instrument
from tsmon_agent.web.requests.parameters import ParameterValues
from tsmon_agent.web.responses.errors import as_sentence
from tsmon_agent.web.streams.availability_rules import change_rules
from tsmon_agent.web.streams.parameters import INSTRUMENT, METHOD, START, STOP, STREAM

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["InstrumentQuery", "find_instrument"]


@dataclass(frozen=True, slots=True)
class InstrumentQuery:
    """An instrument with the streams and rules that a request names, and the start and end of its range."""

    instrument: Instrument
    start_ns: int | None
    end_ns: int | None


async def find_instrument(context: "AgentContext", values: ParameterValues) -> InstrumentQuery:
    """The instrument in the path; raises 404 without it or the stream, 400 for impossible rules or times."""
    instrument = await load_instrument(context.state, context.settings.availability, values[INSTRUMENT])
    if instrument is None:
        raise web.HTTPNotFound(text="There is no instrument of this reference designator.")
    method, name = values[METHOD], values[STREAM]
    try:
        change_rules(EXACT, values)  # reported even for an instrument without streams
        streams = [
            replace(stream, rules=change_rules(stream.rules, values))
            for stream in instrument.streams
            if method in ("", stream.method) and name in ("", stream.name)
        ]
    except (AvailabilityError, InvalidPointError) as error:
        raise web.HTTPBadRequest(text=as_sentence(error)) from None
    if not streams and (method or name):
        raise web.HTTPNotFound(text="The instrument has no such stream; /instrument lists its streams.")
    start_ns, end_ns = values[START], values[STOP]
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise web.HTTPBadRequest(text="The range ends before it starts; exchange start_time and stop_time.")
    return InstrumentQuery(replace(instrument, streams=streams), start_ns, end_ns)
