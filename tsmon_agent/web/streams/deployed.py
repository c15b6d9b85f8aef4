"""``/deployed``: when instruments are deployed, to read and to change."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import UnknownNameError
from tsmon_agent.auth import Role
from tsmon_agent.streams.inventory import (
    DeploymentRow,
    add_deployment,
    deployment_to_json,
    format_deployments_csv,
    load_deployments,
    parse_deployment_csv,
    parse_deployment_rows,
    query_deployments,
    remove_deployment,
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
    forgotten,
    in_csv,
    loaded,
    named,
    only_row,
    saved,
)
from tsmon_agent.web.streams.instrument_query import only_known

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Deployed"]

TABLE: Final = "the table"
ONE: Final = "/deployed/{designator}/{number}"
NUMBER: Final = Parameter("number", "Number of the deployment.", {"type": "integer"}, where="path")


class DeploymentJson(msgspec.Struct, frozen=True):
    """A deployment; ``end`` is null while it runs. Times are ISO 8601 in UTC."""

    reference_designator: str
    number: int
    start: str
    end: str | None


class DeploymentValues(msgspec.Struct, frozen=True):
    """What may be said of a deployment; times are ISO 8601, without a zone UTC."""

    reference_designator: str | msgspec.UnsetType = msgspec.UNSET
    number: int | str | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType | None = msgspec.UNSET


class DeploymentList(msgspec.Struct, frozen=True):
    """Deployments in order of names and numbers."""

    deployed: list[DeploymentJson]


VALUES: Final = Body({JSON: DeploymentValues})


class Deployed:
    """Lists, creates, changes, ends and forgets deployments, one by one and as a whole table."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them."""
        return (
            web.get("/deployed", self._list),
            web.post("/deployed", self._create),
            web.put("/deployed", self._load),
            web.get(ONE, self._one),
            web.put(ONE, self._replace),
            web.patch(ONE, self._change),
            web.delete(ONE, self._remove),
        )

    @needs(Role.SEE)
    @documented(
        "Deployments",
        "deployed",
        (200, Answer("In order of names and numbers.", {JSON: DeploymentList, CSV: None})),
        parameters=(DESIGNATOR, FORMAT),
        faults=(503,),
    )
    async def _list(self, request: web.Request) -> web.Response:
        only_known(request, DESIGNATOR, FORMAT)
        as_csv, designator = in_csv(request), request.query.get("reference_designator") or None
        found = await asked(
            self._context, lambda session: query_deployments(session, reference_designator=designator)
        )
        if as_csv:
            return web.Response(text=format_deployments_csv(found), content_type=CSV)
        return json_response({"deployed": [deployment_to_json(one) for one in found]})

    @needs(Role.OPERATE)
    @documented(
        "Add a deployment",
        "deployed",
        (201, Answer("It is known now.", {JSON: DeploymentJson})),
        body=VALUES,
        faults=(409, 413, 415, 422, 503),
    )
    async def _create(self, request: web.Request) -> web.Response:
        row = _row(await object_of(request))

        def create(session: Session) -> dict[str, Any]:
            add_deployment(session, row)
            return _found(session, row.reference_designator, row.number)

        return await self._saved(request, "add a deployment", row, create, status=201)

    @needs(Role.OPERATE)
    @documented(
        "Load a table of deployments: new ones are added, others changed, none removed",
        "deployed",
        json(ChangesJson),
        parameters=(DRY_RUN,),
        body=Body({CSV: None, JSON: list[DeploymentValues]}),
        faults=(413, 415, 422, 503),
    )
    async def _load(self, request: web.Request) -> web.Response:
        return await loaded(
            self._context,
            request,
            "deployments",
            lambda table: (
                parse_deployment_csv(table, source=TABLE)
                if isinstance(table, str)
                else parse_deployment_rows(enumerate(table, 1), source=TABLE)
            ),
            lambda session, rows: load_deployments(session, rows, source=TABLE),
        )

    @needs(Role.SEE)
    @documented("A deployment", "deployed", json(DeploymentJson), parameters=(NUMBER,), faults=(404, 503))
    async def _one(self, request: web.Request) -> web.Response:
        designator, number = _names(request)
        return json_response(await asked(self._context, lambda session: _found(session, designator, number)))

    @needs(Role.OPERATE)
    @documented(
        "Have a deployment just so",
        "deployed",
        (200, Answer("It was known before.", {JSON: DeploymentJson})),
        (201, Answer("It is known now.", {JSON: DeploymentJson})),
        parameters=(NUMBER,),
        body=VALUES,
        faults=(413, 415, 422, 503),
    )
    async def _replace(self, request: web.Request) -> web.Response:
        designator, number = _names(request)
        row = _row({"end": None} | _named(await object_of(request), designator, number))
        before = await asked(
            self._context, lambda session: query_deployments(session, reference_designator=designator)
        )
        known = any(one.number == number for one in before)
        return await self._saved(
            request,
            "change a deployment" if known else "add a deployment",
            row,
            lambda session: _loaded(session, row),
            status=200 if known else 201,
        )

    @needs(Role.OPERATE)
    @documented(
        "Change a deployment, or end it",
        "deployed",
        json(DeploymentJson),
        parameters=(NUMBER,),
        body=VALUES,
        faults=(404, 413, 415, 422, 503),
    )
    async def _change(self, request: web.Request) -> web.Response:
        designator, number = _names(request)
        values = _named(await object_of(request), designator, number)
        before = await asked(self._context, lambda session: _found(session, designator, number))
        row = _row(before | values)

        def change(session: Session) -> dict[str, Any]:
            _found(session, designator, number)
            return _loaded(session, row)

        return await self._saved(request, "change a deployment", row, change)

    @needs(Role.OPERATE)
    @documented(
        "Forget a deployment; the points of its time stay",
        "deployed",
        (204, Answer("It is not known any more.")),
        parameters=(NUMBER,),
        faults=(404, 503),
    )
    async def _remove(self, request: web.Request) -> web.Response:
        designator, number = _names(request)
        return await forgotten(
            self._context,
            request,
            "remove a deployment",
            (designator, number),
            lambda session: remove_deployment(session, designator, number),
        )

    async def _saved(
        self,
        request: web.Request,
        action: str,
        row: DeploymentRow,
        work: Callable[[Session], dict[str, Any]],
        *,
        status: int = 200,
    ) -> web.Response:
        names = row.reference_designator, row.number
        return await saved(self._context, request, action, names, work, under="/deployed", status=status)


def _row(values: Mapping[str, Any]) -> DeploymentRow:
    return only_row(lambda: parse_deployment_rows([(1, values)], source="the deployment"))


def _names(request: web.Request) -> tuple[str, int]:
    number = request.match_info["number"]
    if not number.isascii() or not number.removeprefix("-").isdecimal() or len(number) > 18:
        raise web.HTTPBadRequest(text="The number of a deployment in the path is no number.")
    return request.match_info["designator"], int(number)


def _named(values: Mapping[str, Any], designator: str, number: int) -> dict[str, Any]:
    return named(values, {"reference_designator": designator, "number": number})


def _found(session: Session, designator: str, number: int) -> dict[str, Any]:
    for one in query_deployments(session, reference_designator=designator):
        if one.number == number:
            return deployment_to_json(one)
    raise UnknownNameError(f"there is no deployment {number} of {designator!r}; see /deployed")


def _loaded(session: Session, row: DeploymentRow) -> dict[str, Any]:
    load_deployments(session, [row], source="the deployment")
    return _found(session, row.reference_designator, row.number)
