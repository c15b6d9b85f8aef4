"""``/expected``: which streams are expected, to read and to change."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import StateConflictError
from tsmon_agent.auth import Role
from tsmon_agent.streams.inventory import (
    StreamRow,
    find_streams,
    format_streams_csv,
    load_streams,
    parse_stream_csv,
    parse_stream_rows,
    query_streams,
    remove_streams,
    stream_to_json,
)
from tsmon_agent.web.openapi import Answer, Body, Parameter, documented, json
from tsmon_agent.web.requests.bodies import CSV, JSON, object_of
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.security import asked
from tsmon_agent.web.streams.edits import (
    DESIGNATOR,
    DRY_RUN,
    FORMAT,
    ChangesJson,
    flag_in,
    forgotten,
    in_csv,
    loaded,
    named,
    names_in,
    only_row,
    saved,
    selected,
)
from tsmon_agent.web.streams.instrument_query import FILTERS, only_known

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Expected"]

ENABLED: Final = Parameter(
    "enabled", "Only those that are switched on, or off.", {"type": "string", "enum": ["true", "false"]}
)
TABLE: Final = "the table"
KEYS: Final = ("reference_designator", "method", "stream")
ONE: Final = "/expected/{designator}/{method}/{stream}"


class ExpectedJson(msgspec.Struct, frozen=True):
    """An expected stream: rate in Hz, intervals in seconds, where its points are, and rules of its own."""

    reference_designator: str
    method: str
    stream: str
    expected_rate: float | None
    warn_interval: float | None
    fail_interval: float | None
    selector: str
    rules: dict[str, Any] | None
    enabled: bool


class ExpectedValues(msgspec.Struct, frozen=True):
    """What may be said of an expected stream: intervals in seconds or as ``10m``; null removes."""

    reference_designator: str | msgspec.UnsetType = msgspec.UNSET
    method: str | msgspec.UnsetType = msgspec.UNSET
    stream: str | msgspec.UnsetType = msgspec.UNSET
    expected_rate: float | str | msgspec.UnsetType | None = msgspec.UNSET
    warn_interval: float | str | msgspec.UnsetType | None = msgspec.UNSET
    fail_interval: float | str | msgspec.UnsetType | None = msgspec.UNSET
    selector: str | msgspec.UnsetType | None = msgspec.UNSET
    rules: dict[str, Any] | str | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | str | msgspec.UnsetType = msgspec.UNSET


class ExpectedList(msgspec.Struct, frozen=True):
    """Expected streams in order of their names."""

    expected: list[ExpectedJson]


VALUES: Final = Body({JSON: ExpectedValues})
EMPTY: Final = dict.fromkeys(("expected_rate", "warn_interval", "fail_interval", "selector", "rules"))
"""Of a stream that is given anew, what is not said is nothing."""


class Expected:
    """Lists, creates, changes and forgets expected streams, one by one and as a whole table."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them."""
        return (
            web.get("/expected", self._list),
            web.post("/expected", self._create),
            web.put("/expected", self._load),
            web.delete("/expected/{designator}", self._remove),
            web.get(ONE, self._one),
            web.put(ONE, self._replace),
            web.patch(ONE, self._change),
            web.delete(ONE, self._remove),
        )

    @needs(Role.SEE)
    @documented(
        "Expected streams",
        "expected",
        (200, Answer("In order of their names.", {JSON: ExpectedList, CSV: None})),
        parameters=(DESIGNATOR, *FILTERS, ENABLED, FORMAT),
        faults=(503,),
    )
    async def _list(self, request: web.Request) -> web.Response:
        only_known(request, DESIGNATOR, *FILTERS, ENABLED, FORMAT)
        as_csv, enabled = in_csv(request), flag_in(request, ENABLED)
        found = await asked(self._context, lambda session: selected(session, request.query, enabled=enabled))
        if as_csv:
            return web.Response(text=format_streams_csv(found), content_type=CSV)
        return json_response({"expected": [stream_to_json(one) for one in found]})

    @needs(Role.OPERATE)
    @documented(
        "Expect a stream",
        "expected",
        (201, Answer("It is expected now.", {JSON: ExpectedJson})),
        body=VALUES,
        faults=(409, 413, 415, 422, 503),
    )
    async def _create(self, request: web.Request) -> web.Response:
        row = self._row(await object_of(request))

        def create(session: Session) -> dict[str, Any]:
            names = row.reference_designator, row.method, row.stream
            if _known(session, names):
                raise StateConflictError(f"{' '.join(names)} is expected already; change it under its own address")
            return _loaded(session, row)

        return await self._saved(request, "expect a stream", row, create, status=201)

    @needs(Role.OPERATE)
    @documented(
        "Load a table of expected streams: new ones are added, others changed, none removed",
        "expected",
        json(ChangesJson),
        parameters=(DRY_RUN,),
        body=Body({CSV: None, JSON: list[ExpectedValues]}),
        faults=(413, 415, 422, 503),
    )
    async def _load(self, request: web.Request) -> web.Response:
        settings = self._context.settings
        return await loaded(
            self._context,
            request,
            "streams",
            lambda table: (
                parse_stream_csv(table, settings, source=TABLE)
                if isinstance(table, str)
                else parse_stream_rows(enumerate(table, 1), settings, source=TABLE)
            ),
            lambda session, rows: load_streams(session, rows, source=TABLE),
        )

    @needs(Role.SEE)
    @documented("An expected stream", "expected", json(ExpectedJson), faults=(404, 503))
    async def _one(self, request: web.Request) -> web.Response:
        names = names_in(request)
        (found,) = await asked(self._context, lambda session: find_streams(session, *names))
        return json_response(stream_to_json(found))

    @needs(Role.OPERATE)
    @documented(
        "Expect a stream just so",
        "expected",
        (200, Answer("It was expected before.", {JSON: ExpectedJson})),
        (201, Answer("It is expected now.", {JSON: ExpectedJson})),
        body=VALUES,
        faults=(413, 415, 422, 503),
    )
    async def _replace(self, request: web.Request) -> web.Response:
        keys = dict(zip(KEYS, names_in(request), strict=True))
        row = self._row(EMPTY | {"enabled": True} | named(await object_of(request), keys))
        known = await asked(self._context, lambda session: _known(session, keys.values()))
        return await self._saved(
            request,
            "change a stream" if known else "expect a stream",
            row,
            lambda session: _loaded(session, row),
            status=200 if known else 201,
        )

    @needs(Role.OPERATE)
    @documented(
        "Change what is said of an expected stream",
        "expected",
        json(ExpectedJson),
        body=VALUES,
        faults=(404, 413, 415, 422, 503),
    )
    async def _change(self, request: web.Request) -> web.Response:
        keys = dict(zip(KEYS, names_in(request), strict=True))
        row = self._row(named(await object_of(request), keys))

        def change(session: Session) -> dict[str, Any]:
            find_streams(session, *keys.values())
            return _loaded(session, row)

        return await self._saved(request, "change a stream", row, change)

    @needs(Role.OPERATE)
    @documented(
        "Expect a stream, or all of an instrument, no more; points and deployments stay",
        "expected",
        (204, Answer("It is not expected any more.")),
        faults=(404, 503),
    )
    async def _remove(self, request: web.Request) -> web.Response:
        names = names_in(request)
        return await forgotten(
            self._context, request, "remove streams", names, lambda session: remove_streams(session, *names)
        )

    def _row(self, values: Mapping[str, Any]) -> StreamRow:
        return only_row(lambda: parse_stream_rows([(1, values)], self._context.settings, source="the stream"))

    async def _saved(
        self,
        request: web.Request,
        action: str,
        row: StreamRow,
        work: Callable[[Session], dict[str, Any]],
        *,
        status: int = 200,
    ) -> web.Response:
        names = row.reference_designator, row.method, row.stream
        return await saved(self._context, request, action, names, work, under="/expected", status=status)


def _known(session: Session, names: Iterable[str]) -> bool:
    designator, method, stream = names
    return bool(query_streams(session, reference_designator=designator, method=method, stream=stream))


def _loaded(session: Session, row: StreamRow) -> dict[str, Any]:
    load_streams(session, [row], source="the stream")
    (one,) = find_streams(session, row.reference_designator, row.method, row.stream)
    return stream_to_json(one)
