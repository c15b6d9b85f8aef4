"""The document describes every address completely, and no other."""

import json
import re

from aiohttp import web

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.web.openapi import (
    Body,
    build_document,
    operation,
    operation_of,
    returns_json,
    returns_text,
)
from tsmon_agent.web.requests.parameters import ParameterValues, text


def application(served: ServedAgent) -> web.Application:
    runner = served.server._runner
    assert runner is not None
    assert isinstance(runner.app, web.Application)
    return runner.app


async def test_every_route_is_in_the_document_and_every_one_in_the_document_exists(served: ServedAgent) -> None:
    document = await served.get_json("/openapi.json")
    documented_ = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (route.method, route.resource.canonical)
        for route in application(served).router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    assert documented_ == routes


async def test_nothing_is_referred_to_that_is_not_there(served: ServedAgent) -> None:
    document = await served.get_json("/openapi.json")
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references == set(document["components"]["schemas"])


async def test_names_of_operations_are_unique_and_places_in_paths_are_described(served: ServedAgent) -> None:
    document = await served.get_json("/openapi.json")
    operations = [
        (path, described) for path, methods in document["paths"].items() for described in methods.values()
    ]
    assert len({described["operationId"] for _, described in operations}) == len(operations)
    for path, found in operations:
        in_path = {one["name"] for one in found.get("parameters", ()) if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert {"400", "403", "421"} <= set(found["responses"])


async def test_an_unchanged_document_is_not_sent_again(served: ServedAgent) -> None:
    async with served.client.get("/openapi.json") as response:
        tag = response.headers["ETag"]
    async with served.client.get("/openapi.json", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
        assert await response.read() == b""
    async with served.client.get("/openapi.json", headers={"If-None-Match": '"another"'}) as response:
        assert response.status == 200


class Handlers:
    @operation(
        "Weigh",
        "scales",
        returns_json(dict[str, int], "Weights."),
        returns_text("As a table.", "text/csv"),
        parameters=(text("unit", "Which unit.", required=True, example="kg"),),
        body=Body({"application/json": list[int], "text/csv": None}),
        faults=(409,),
    )
    async def weigh(self, request: web.Request, values: ParameterValues) -> web.Response:
        raise NotImplementedError


def test_what_is_said_beside_a_handler_becomes_its_operation() -> None:
    app = web.Application()
    app.router.add_post("/scales/{number}", Handlers().weigh)
    (path, methods), *others = build_document(app)["paths"].items()
    assert others == []
    operation = methods["post"]
    assert path == "/scales/{number}"
    assert operation["operationId"] == "post_scales_number"
    assert [(one["name"], one["in"], one["required"]) for one in operation["parameters"]] == [
        ("number", "path", True),
        ("unit", "query", True),
    ]
    assert operation["requestBody"]["content"] == {
        "application/json": {"schema": {"type": "array", "items": {"type": "integer"}}},
        "text/csv": {"schema": {"type": "string"}},
    }
    assert set(operation["responses"]) == {"200", "400", "401", "403", "409", "421", "429"}
    assert operation["responses"]["409"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/Fault"}
    }


def test_a_route_of_which_nothing_is_said_is_not_in_the_document() -> None:
    async def handler(_: web.Request) -> web.Response:
        raise NotImplementedError

    app = web.Application()
    app.router.add_get("/", handler)
    assert operation_of(handler) is None
    assert build_document(app)["paths"] == {}
