"""``/stream`` and ``/instrument``: the status of streams, and enabling and disabling them."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.state import ExpectedStream
from tsmon_agent.state.times import format_exact_time
from tsmon_agent.streams.freshness import FreshnessStatus, JudgedStream, worst_status
from tsmon_agent.streams.inventory import find_streams, query_streams
from tsmon_agent.streams.inventory.export import seconds_of
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import operation, returns_json
from tsmon_agent.web.requests.parameters import Parameter, ParameterValues, choice
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.streams.parameters import DESIGNATOR, FILTERS, INSTRUMENT, METHOD, STREAM, STREAM_KEY
from tsmon_agent.web.streams.switches import set_streams_enabled

__all__ = ["StreamStatusApi"]

UNKNOWN: Final = "unknown"
"""Status of a stream before the first round of freshness."""

STATUSES: Final = (*(level.label for level in FreshnessStatus), UNKNOWN)
STATUS: Final = choice("state", "Only those of this status.", dict(zip(STATUSES, STATUSES, strict=True)), None)

ONE_STREAM: Final = "/stream/{designator}/{method}/{stream}"
ONE_INSTRUMENT: Final = "/instrument/{designator}"
INSTRUMENT_KEY: Final = (INSTRUMENT,)


class StreamStatus(msgspec.Struct, frozen=True):
    """Status of a stream and since when, its newest datum, and its limits; intervals and age in seconds."""

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
    """Status of an instrument, which is that of its worst stream."""

    reference_designator: str
    state: str
    streams: list[StreamStatus]


class InstrumentList(msgspec.Struct, frozen=True):
    """Instruments in order of their names."""

    instruments: list[InstrumentStatus]


class StreamStatusApi(Handlers):
    """Statuses of streams and instruments, as found by the last round of freshness, and switches for them."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Lists, single streams and instruments, and their switches."""
        return (
            web.get("/stream", self._list_streams),
            web.get(ONE_STREAM, self._get_stream),
            web.post(f"{ONE_STREAM}/enable", self._enable_stream),
            web.post(f"{ONE_STREAM}/disable", self._disable_stream),
            web.get("/instrument", self._list_instruments),
            web.get(ONE_INSTRUMENT, self._get_instrument),
            web.post(f"{ONE_INSTRUMENT}/enable", self._enable_instrument),
            web.post(f"{ONE_INSTRUMENT}/disable", self._disable_instrument),
        )

    @requires_role(Role.SEE)
    @operation(
        "Status of streams",
        "status",
        returns_json(StreamList),
        parameters=(DESIGNATOR, *FILTERS, STATUS),
        faults=(503,),
    )
    async def _list_streams(self, _: web.Request, values: ParameterValues) -> web.Response:
        found = await self._context.state.run(
            lambda session: query_streams(
                session,
                reference_designator=values[DESIGNATOR] or None,
                method=values[METHOD] or None,
                stream=values[STREAM] or None,
            )
        )
        return json_response(
            StreamList([one for one in self._statuses(found) if values[STATUS] in (None, one.state)])
        )

    @requires_role(Role.SEE)
    @operation("Status of a stream", "status", returns_json(StreamStatus), parameters=STREAM_KEY, faults=(404, 503))
    async def _get_stream(self, _: web.Request, values: ParameterValues) -> web.Response:
        return json_response((await self._read(values, STREAM_KEY))[0])

    @requires_role(Role.OPERATE)
    @operation("Enable a stream", "status", returns_json(StreamStatus), parameters=STREAM_KEY, faults=(404, 503))
    async def _enable_stream(self, request: web.Request, values: ParameterValues) -> web.Response:
        return json_response((await self._switch(request, values, STREAM_KEY, enabled=True))[0])

    @requires_role(Role.OPERATE)
    @operation(
        "Disable a stream: no data are expected of it for now",
        "status",
        returns_json(StreamStatus),
        parameters=STREAM_KEY,
        faults=(404, 503),
    )
    async def _disable_stream(self, request: web.Request, values: ParameterValues) -> web.Response:
        return json_response((await self._switch(request, values, STREAM_KEY, enabled=False))[0])

    @requires_role(Role.SEE)
    @operation("Status of instruments", "status", returns_json(InstrumentList), parameters=(STATUS,), faults=(503,))
    async def _list_instruments(self, _: web.Request, values: ParameterValues) -> web.Response:
        by_name: dict[str, list[StreamStatus]] = {}
        for one in self._statuses(await self._context.state.run(query_streams)):
            by_name.setdefault(one.reference_designator, []).append(one)
        found = [_summarize(members) for members in by_name.values()]
        return json_response(InstrumentList([one for one in found if values[STATUS] in (None, one.state)]))

    @requires_role(Role.SEE)
    @operation(
        "Status of an instrument",
        "status",
        returns_json(InstrumentStatus),
        parameters=INSTRUMENT_KEY,
        faults=(404, 503),
    )
    async def _get_instrument(self, _: web.Request, values: ParameterValues) -> web.Response:
        return json_response(_summarize(await self._read(values, INSTRUMENT_KEY)))

    @requires_role(Role.OPERATE)
    @operation(
        "Enable all streams of an instrument",
        "status",
        returns_json(InstrumentStatus),
        parameters=INSTRUMENT_KEY,
        faults=(404, 503),
    )
    async def _enable_instrument(self, request: web.Request, values: ParameterValues) -> web.Response:
        return json_response(_summarize(await self._switch(request, values, INSTRUMENT_KEY, enabled=True)))

    @requires_role(Role.OPERATE)
    @operation(
        "Disable all streams of an instrument: no data are expected of them for now",
        "status",
        returns_json(InstrumentStatus),
        parameters=INSTRUMENT_KEY,
        faults=(404, 503),
    )
    async def _disable_instrument(self, request: web.Request, values: ParameterValues) -> web.Response:
        return json_response(_summarize(await self._switch(request, values, INSTRUMENT_KEY, enabled=False)))

    async def _read(self, values: ParameterValues, key: Sequence[Parameter[str]]) -> list[StreamStatus]:
        names = [values[parameter] for parameter in key]
        return self._statuses(await self._context.state.run(lambda session: find_streams(session, *names)))

    async def _switch(
        self, request: web.Request, values: ParameterValues, key: Sequence[Parameter[str]], *, enabled: bool
    ) -> list[StreamStatus]:
        names = [values[parameter] for parameter in key]
        await set_streams_enabled(self._context, request, *names, enabled=enabled)
        return await self._read(values, key)

    def _statuses(self, found: Sequence[ExpectedStream]) -> list[StreamStatus]:
        fresh = {(one.reference_designator, one.method, one.stream): one for one in self._context.freshness.streams}
        return [_status(one, fresh.get((one.reference_designator, one.method, one.stream))) for one in found]


def _status(stream: ExpectedStream, fresh: JudgedStream | None) -> StreamStatus:
    # A stream that was disabled since the last round has the status that the next round will find.
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


def _summarize(members: Sequence[StreamStatus]) -> InstrumentStatus:
    levels = {level.label: level for level in FreshnessStatus}
    known = [levels[one.state] for one in members if one.state in levels]
    state = worst_status(known).label if known else UNKNOWN
    return InstrumentStatus(members[0].reference_designator, state, list(members))
