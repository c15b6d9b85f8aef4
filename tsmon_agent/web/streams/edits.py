"""What requests about streams and deployments have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import InvalidRowsError
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.inventory import LoadResult, query_streams, set_enabled
from tsmon_agent.web.openapi import Parameter
from tsmon_agent.web.requests.bodies import table_of
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.security import asked, changed
from tsmon_agent.web.security.audited_changes import faulted
from tsmon_agent.web.streams.instrument_query import only_known

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = [
    "DESIGNATOR",
    "DRY_RUN",
    "FORMAT",
    "ChangesJson",
    "flag_in",
    "forgotten",
    "in_csv",
    "loaded",
    "named",
    "names_in",
    "only_row",
    "saved",
    "selected",
    "switched",
]

Row = TypeVar("Row")

DESIGNATOR: Final = Parameter("reference_designator", "Only of this instrument.")
FORMAT: Final = Parameter("format", "Form of the answer.", {"type": "string", "enum": ["json", "csv"]})
DRY_RUN: Final = Parameter(
    "dry_run", "Check the table, and say what would change.", {"type": "string", "enum": ["true", "false"]}
)


class ChangesJson(msgspec.Struct, frozen=True):
    """Numbers of rows that were added, that were changed, and that were there just so."""

    added: int
    changed: int
    unchanged: int


def names_in(request: web.Request) -> list[str]:
    """Names in the path: of the instrument, the method, the stream."""
    return [request.match_info[name] for name in ("designator", "method", "stream") if name in request.match_info]


def selected(
    session: Session, query: Mapping[str, str], *, enabled: bool | None = None
) -> Sequence[ExpectedStream]:
    """Expected streams that have the names which a query asks for."""
    return query_streams(
        session,
        reference_designator=query.get("reference_designator") or None,
        method=query.get("method") or None,
        stream=query.get("stream") or None,
        enabled=enabled,
    )


def named(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a body with the names that the path gives; raises 422 where the body has others."""
    for key, name in names.items():
        if values.get(key, name) != name:
            raise web.HTTPUnprocessableEntity(
                text=f"The body's {key} is not that of the path; leave it out of the body."
            )
    return {**values, **names}


async def loaded(
    context: "AgentContext",
    request: web.Request,
    what: str,
    read: Callable[[str | list[Mapping[str, Any]]], Sequence[Row]],
    load: Callable[[Session, Sequence[Row]], LoadResult],
) -> web.Response:
    """Load the table that a request carries: what has changed, or, for a dry run, would have."""
    only_known(request, DRY_RUN)
    dry_run = flag_in(request, DRY_RUN) or False
    table = await table_of(request)
    try:
        rows = read(table)
    except InvalidRowsError as error:
        raise faulted(error) from error

    def work(session: Session) -> ChangesJson:
        changes = load(session, rows)
        if dry_run:
            session.rollback()
        return ChangesJson(changes.added, changes.changed, changes.unchanged)

    if dry_run:
        return json_response(await asked(context, work))
    changes = await changed(context, request, f"load {what}", None, work, detail={"rows": len(rows)})
    context.look_at_streams()
    return json_response(changes)


def only_row(read: Callable[[], Sequence[Row]]) -> Row:
    """The one row that a request's body is; raises 422 with what is wrong with it."""
    try:
        (row,) = read()
    except InvalidRowsError as error:
        raise faulted(error) from error
    return row


async def saved(
    context: "AgentContext",
    request: web.Request,
    action: str,
    names: Sequence[object],
    work: Callable[[Session], Mapping[str, Any]],
    *,
    under: str,
    status: int = 200,
) -> web.Response:
    """What ``work`` has made of the thing that ``names`` name; where it is new (201), with its address."""
    found = await changed(context, request, action, " ".join(map(str, names)), work)
    context.look_at_streams()
    response = json_response(found, status=status)
    if status == 201:
        path = "/".join(quote(str(name), safe="") for name in names)
        response.headers["Location"] = f"{context.settings.web.base_path}{under}/{path}"
    return response


async def forgotten(
    context: "AgentContext",
    request: web.Request,
    action: str,
    names: Sequence[object],
    work: Callable[[Session], object],
) -> web.Response:
    """Nothing, once ``work`` has removed what ``names`` name."""
    await changed(context, request, action, " ".join(map(str, names)), work)
    context.look_at_streams()
    return web.Response(status=204)


async def switched(context: "AgentContext", request: web.Request, *names: str, enabled: bool) -> None:
    """Switch a stream, or all of an instrument, on or off; raises what :func:`changed` raises."""
    await changed(
        context,
        request,
        "enable streams" if enabled else "disable streams",
        " ".join(names),
        lambda session: set_enabled(session, *names, enabled=enabled),
    )
    context.look_at_streams()


def flag_in(request: web.Request, parameter: Parameter) -> bool | None:
    """A parameter that is true or false; None where it is not there. Raises 400."""
    text = request.query.get(parameter.name)
    if text not in (None, "true", "false"):
        raise web.HTTPBadRequest(text=f"The parameter {parameter.name} is neither true nor false.")
    return None if text is None else text == "true"


def in_csv(request: web.Request) -> bool:
    """Whether the answer is to be a table; raises 400."""
    form = request.query.get("format", "json")
    if form not in ("json", "csv"):
        raise web.HTTPBadRequest(text="The parameter format is neither json nor csv.")
    return form == "csv"
