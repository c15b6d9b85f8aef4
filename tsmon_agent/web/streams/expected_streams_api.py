"""``/expected``: which streams are expected, to read and to change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import StateConflictError
from tsmon_agent.auth import Role
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.inventory import (
    LoadResult,
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
from tsmon_agent.web.openapi import operation, returns
from tsmon_agent.web.requests.parameters import ParameterValues, flag
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.streams.inventory_api import InventoryApi
from tsmon_agent.web.streams.inventory_operations import InventoryTable
from tsmon_agent.web.streams.parameters import DESIGNATOR, FILTERS, INSTRUMENT, METHOD, STREAM, STREAM_KEY

__all__ = ["ExpectedStreamsApi"]

ENABLED: Final = flag("enabled", "Only streams that are enabled, or disabled.", None)


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
    """What a request may set of an expected stream: intervals in seconds or as ``10m``; null removes a value."""

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


class ExpectedStreamsApi(InventoryApi[StreamRow, ExpectedStream]):
    """The table of expected streams; removing is possible for all streams of an instrument at once, too."""

    table = InventoryTable(
        name="expected",
        noun="the stream",
        one="an expected stream",
        many="expected streams",
        key=dict(zip(("reference_designator", "method", "stream"), STREAM_KEY, strict=True)),
        filters=(DESIGNATOR, *FILTERS, ENABLED),
        defaults={
            **dict.fromkeys(("expected_rate", "warn_interval", "fail_interval", "selector", "rules")),
            "enabled": True,
        },
        row_type=ExpectedJson,
        values_type=ExpectedValues,
        list_type=ExpectedList,
        audited_load="load streams",
        audited_add="expect a stream",
        audited_change="change a stream",
        audited_remove="remove streams",
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """The table, each of its rows, and all rows of an instrument."""
        return (*super().routes(), web.delete("/expected/{designator}", self._remove_instrument))

    @requires_role(Role.OPERATE)
    @operation(
        "Remove all expected streams of an instrument; points and deployments stay",
        table.name,
        returns(204, "They were removed."),
        parameters=(INSTRUMENT,),
        faults=(404, 503),
    )
    async def _remove_instrument(self, request: web.Request, values: ParameterValues) -> web.Response:
        return await self._remove_key(request, (values[INSTRUMENT],))

    def select(self, session: Session, values: ParameterValues) -> Sequence[ExpectedStream]:
        """By names, and by whether streams are enabled."""
        return query_streams(
            session,
            reference_designator=values[DESIGNATOR] or None,
            method=values[METHOD] or None,
            stream=values[STREAM] or None,
            enabled=values[ENABLED],
        )

    def find(self, session: Session, key: tuple[str, ...]) -> ExpectedStream:
        """The stream of three names."""
        (found,) = find_streams(session, *key)
        return found

    def add(self, session: Session, row: StreamRow) -> None:
        """Expect a stream that is not expected yet."""
        names = self.key_of(row)
        if self._exists(session, names):
            raise StateConflictError(f"{' '.join(names)} is expected already; change it under its own address")
        self.load(session, [row], self.table.noun)

    def load(self, session: Session, rows: Sequence[StreamRow], source: str) -> LoadResult:
        """Expect streams, or change what is expected of them."""
        return load_streams(session, rows, source=source)

    def remove(self, session: Session, key: tuple[str, ...]) -> None:
        """Stop expecting a stream, or all of an instrument."""
        remove_streams(session, *key)

    def parse(self, rows: Iterable[tuple[int, Mapping[str, Any]]], source: str) -> Sequence[StreamRow]:
        """Rows from JSON; their default selector is that of the settings."""
        return parse_stream_rows(rows, self._context.settings, source=source)

    def parse_csv(self, table: str, source: str) -> Sequence[StreamRow]:
        """Rows from CSV; their default selector is that of the settings."""
        return parse_stream_csv(table, self._context.settings, source=source)

    def key_of(self, row: StreamRow) -> tuple[str, ...]:
        """The names of instrument, method and stream."""
        return row.reference_designator, row.method, row.stream

    def to_json(self, stored: ExpectedStream) -> dict[str, Any]:
        """All columns, intervals in seconds."""
        return stream_to_json(stored)

    def to_csv(self, stored: Sequence[ExpectedStream]) -> str:
        """All columns."""
        return format_streams_csv(stored)
