"""``/stream`` and ``/instrument``: how streams do, and switching them off and on."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.freshness import FreshnessStatus, JudgedStream, worst_status
from tsmon_agent.streams.inventory import find_streams, query_streams
from tsmon_agent.streams.inventory.cell_parsing import format_exact_time
from tsmon_agent.streams.inventory.export import seconds_of
from tsmon_agent.web.openapi import Parameter, documented, json
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.security import asked
from tsmon_agent.web.streams.edits import DESIGNATOR, names_in, selected, switched
from tsmon_agent.web.streams.instrument_query import FILTERS, only_known

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Status"]

UNKNOWN: Final = "unknown"
"""State of a stream that no round of the agent has looked at yet."""

STATES: Final = (*(level.label for level in FreshnessStatus), UNKNOWN)
STATE: Final = Parameter("state", "Only those in this state.", {"type": "string", "enum": list(STATES)})
ONE: Final = "/stream/{designator}/{method}/{stream}"


class StreamStatus(msgspec.Struct, frozen=True):
    """How a stream does: its state since when, its newest datum, and the limits; intervals and age in seconds."""

    reference_designator: str
    method: str
    stream: str
    enabled: bool
    state: str
    since: str | None
    newest: str | None
    age: float | None
    warn_interval: float | None
    fail_interval: float | None
    rate: float | None
    expected_rate: float | None


class StreamList(msgspec.Struct, frozen=True):
    """Streams in order of their names."""

    streams: list[StreamStatus]


class InstrumentStatus(msgspec.Struct, frozen=True):
    """How an instrument does, which is as its worst stream."""

    reference_designator: str
    state: str
    streams: list[StreamStatus]


class InstrumentList(msgspec.Struct, frozen=True):
    """Instruments in order of their names."""

    instruments: list[InstrumentStatus]


class Status:
    """Tells how streams and instruments do, as the agent's last round has found them, and switches them."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them."""
        return (
            web.get("/stream", self._streams),
            web.get(ONE, self._stream),
            web.post(f"{ONE}/enable", self._enable),
            web.post(f"{ONE}/disable", self._disable),
            web.get("/instrument", self._instruments),
            web.get("/instrument/{designator}", self._instrument),
            web.post("/instrument/{designator}/enable", self._enable_all),
            web.post("/instrument/{designator}/disable", self._disable_all),
        )

    @needs(Role.SEE)
    @documented(
        "How streams do",
        "status",
        json(StreamList),
        parameters=(DESIGNATOR, *FILTERS, STATE),
        faults=(503,),
    )
    async def _streams(self, request: web.Request) -> web.Response:
        only_known(request, DESIGNATOR, *FILTERS, STATE)
        state = _state_in(request)
        found = self._statuses(await asked(self._context, lambda session: selected(session, request.query)))
        return json_response(StreamList([one for one in found if state in (None, one.state)]))

    @needs(Role.SEE)
    @documented("How a stream does", "status", json(StreamStatus), faults=(404, 503))
    async def _stream(self, request: web.Request) -> web.Response:
        return json_response((await self._of(request))[0])

    @needs(Role.OPERATE)
    @documented("Expect data of a stream again", "status", json(StreamStatus), faults=(404, 503))
    async def _enable(self, request: web.Request) -> web.Response:
        return json_response((await self._switched(request, enabled=True))[0])

    @needs(Role.OPERATE)
    @documented("Expect no data of a stream for now", "status", json(StreamStatus), faults=(404, 503))
    async def _disable(self, request: web.Request) -> web.Response:
        return json_response((await self._switched(request, enabled=False))[0])

    @needs(Role.SEE)
    @documented("How instruments do", "status", json(InstrumentList), parameters=(STATE,), faults=(503,))
    async def _instruments(self, request: web.Request) -> web.Response:
        only_known(request, STATE)
        state = _state_in(request)
        by_name: dict[str, list[StreamStatus]] = {}
        for one in self._statuses(await asked(self._context, query_streams)):
            by_name.setdefault(one.reference_designator, []).append(one)
        found = [_overall(members) for members in by_name.values()]
        return json_response(InstrumentList([one for one in found if state in (None, one.state)]))

    @needs(Role.SEE)
    @documented("How an instrument does", "status", json(InstrumentStatus), faults=(404, 503))
    async def _instrument(self, request: web.Request) -> web.Response:
        return json_response(_overall(await self._of(request)))

    @needs(Role.OPERATE)
    @documented("Expect data of all streams again", "status", json(InstrumentStatus), faults=(404, 503))
    async def _enable_all(self, request: web.Request) -> web.Response:
        return json_response(_overall(await self._switched(request, enabled=True)))

    @needs(Role.OPERATE)
    @documented("Expect no data of any stream for now", "status", json(InstrumentStatus), faults=(404, 503))
    async def _disable_all(self, request: web.Request) -> web.Response:
        return json_response(_overall(await self._switched(request, enabled=False)))

    async def _of(self, request: web.Request) -> list[StreamStatus]:
        names = names_in(request)
        return self._statuses(await asked(self._context, lambda session: find_streams(session, *names)))

    async def _switched(self, request: web.Request, *, enabled: bool) -> list[StreamStatus]:
        await switched(self._context, request, *names_in(request), enabled=enabled)
        return await self._of(request)

    def _statuses(self, found: Sequence[ExpectedStream]) -> list[StreamStatus]:
        fresh = {(one.reference_designator, one.method, one.stream): one for one in self._context.freshness.streams}
        return [_status(one, fresh.get((one.reference_designator, one.method, one.stream))) for one in found]


def _status(stream: ExpectedStream, fresh: JudgedStream | None) -> StreamStatus:
    # What was switched since the last round is as it will be found in the next.
    if not stream.enabled:
        state: str = FreshnessStatus.NOT_TRACKED.label
    else:
        state = UNKNOWN if fresh is None else fresh.status.label
    return StreamStatus(
        reference_designator=stream.reference_designator,
        method=stream.method,
        stream=stream.stream,
        enabled=stream.enabled,
        state=state,
        since=None if fresh is None else format_exact_time(fresh.since_ns),
        newest=None if fresh is None else format_exact_time(fresh.newest_ns) or None,
        age=None if fresh is None else seconds_of(fresh.age_ns),
        warn_interval=seconds_of(stream.warn_interval_ns),
        fail_interval=seconds_of(stream.fail_interval_ns),
        rate=None if fresh is None else fresh.rate,
        expected_rate=stream.expected_rate,
    )


def _overall(members: Sequence[StreamStatus]) -> InstrumentStatus:
    levels = {level.label: level for level in FreshnessStatus}
    known = [levels[one.state] for one in members if one.state in levels]
    state = worst_status(known).label if known else UNKNOWN
    return InstrumentStatus(members[0].reference_designator, state, list(members))


def _state_in(request: web.Request) -> str | None:
    state = request.query.get("state")
    if state is not None and state not in STATES:
        raise web.HTTPBadRequest(text=f"The parameter state is none of {', '.join(STATES)}.")
    return state
