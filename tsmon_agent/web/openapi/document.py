"""The OpenAPI 3.1 document of all declared operations."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from tsmon import __version__
from tsmon_agent.auth import Role
from tsmon_agent.web.openapi.operations import Body, Fault, Operation, Response, operation_of
from tsmon_agent.web.requests.parameters import Parameter, text
from tsmon_agent.web.requests.required_role import required_role

__all__ = ["build_document"]

FAULTS: Final = {
    400: "The request is malformed, or a parameter is unknown or wrong.",
    401: "Sign in, or send a token.",
    403: "You may not do this, or the request comes from a page of another site.",
    404: "There is no such thing.",
    405: "This address does not support the method.",
    409: "This contradicts what is stored.",
    413: "The request is too large.",
    415: "This address does not accept a body of that media type.",
    421: "The name in the address is not one of this agent's.",
    422: "The body is well-formed, but its content is wrong.",
    429: "Too many invalid tokens came from your address; try again later.",
    500: "The agent made a mistake; its log says more.",
    503: "The store or the state does not answer.",
}

ANY_REQUEST: Final = (400, 401, 403, 421, 429)
"""Statuses of errors that any request may have, depending on who sends it and under which name."""

SECURITY: Final = "token"
SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token from tsmon-agent token create. Reading from the agent's own machine needs none.",
}

_REFERENCE: Final = "#/components/schemas/{name}"
_placeholder: Final = re.compile(r"\{(\w+)\}")


def build_document(app: web.Application, base_path: str = "") -> dict[str, Any]:
    """The document of all routes of an application that have a declared operation; HEAD is implied by GET."""
    declared = list(_declared_operations(app))
    types = {id(type_): type_ for _, _, operation in declared for type_ in _types(operation)}
    schemas, components = msgspec.json.schema_components(types.values(), ref_template=_REFERENCE)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, method, operation in declared:
        path = route.removeprefix(base_path)
        described = _describe(path, method, operation, by_type)
        paths.setdefault(path, {})[method.lower()] = described | _access(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tsmon-agent",
            "summary": "State of this host and of the streams that it watches.",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_path or "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": {SECURITY: SCHEME}},
    }


def _access(operation: Operation) -> dict[str, Any]:
    """Who may do that; reading is allowed without a token from this machine."""
    if operation.role is None:
        return {"security": []}
    with_token: list[dict[str, list[str]]] = [{SECURITY: []}]
    return {
        "description": f"Needs the role {operation.role}.",
        "security": [*([{}] if operation.role is Role.SEE else []), *with_token],
    }


def _declared_operations(app: web.Application) -> Iterator[tuple[str, str, Operation]]:
    for route in app.router.routes():
        operation = operation_of(route.handler)
        if route.resource is not None and operation is not None and route.method != hdrs.METH_HEAD:
            yield route.resource.canonical, route.method, replace(operation, role=required_role(route.handler))


def _types(operation: Operation) -> Iterator[Any]:
    yield Fault
    parts: list[Response | Body] = [*operation.responses]
    if operation.body is not None:
        parts.append(operation.body)
    for part in parts:
        yield from (type_ for type_ in part.types.values() if type_ is not None)


def _describe(path: str, method: str, operation: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    name = "_".join([method.lower(), *re.findall(r"\w+", path)]) or method.lower()
    described: dict[str, Any] = {"operationId": name, "summary": operation.summary, "tags": [operation.tag]}
    if parameters := [_parameter(one) for one in _all_parameters(path, operation.parameters)]:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _body(operation.body, schemas)
    responses = {
        one.status: {"description": one.description, "content": _content(one.types, schemas)}
        for one in operation.responses
    }
    for status in (*ANY_REQUEST, *operation.faults):
        types: dict[str, Any] = {"application/json": Fault, "text/html": None}
        responses.setdefault(status, {"description": FAULTS[status], "content": _content(types, schemas)})
    # A request under a foreign name gets no page, so that no page of ours is ever shown under it.
    responses[421]["content"] = _content({"text/plain": None}, schemas)
    described["responses"] = {str(status): response for status, response in sorted(responses.items())}
    return described


def _all_parameters(path: str, declared: Iterable[Parameter[Any]]) -> Iterator[Parameter[Any]]:
    """Those of the path in its order, then those of the query."""
    in_path = {one.name: one for one in declared if one.where == "path"}
    for name in _placeholder.findall(path):
        yield in_path.get(name) or text(name, name, where="path")
    yield from (one for one in declared if one.where == "query")


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.required or parameter.where == "path",
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _body(body: Body, schemas: Mapping[int, Any]) -> dict[str, Any]:
    return {"required": body.required, "content": _content(body.types, schemas)}


def _content(types: Mapping[str, Any], schemas: Mapping[int, Any]) -> dict[str, Any]:
    return {
        media: {"schema": {"type": "string"} if type_ is None else schemas[id(type_)]}
        for media, type_ in types.items()
    }
