"""All that was said of the handlers, as one OpenAPI 3.1 document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from tsmon_agent.auth import Role
from tsmon_agent.web.openapi.operations import Answer, Body, Fault, Operation, Parameter, operation_of
from tsmon_agent.web.requests.required_role import needed_role

__all__ = ["document_of"]

FAULTS: Final = {
    400: "What is asked for is not understood.",
    401: "Sign in, or bring a token.",
    403: "This is not allowed to you, or the request comes from a page of another site.",
    404: "There is no such thing.",
    405: "This address does not understand the method.",
    409: "That contradicts what is there.",
    413: "The request is too large.",
    415: "The body is of a kind that is not understood here.",
    421: "The name in the address is not one of this agent's.",
    422: "The body is understood, and cannot be meant.",
    429: "Too many tokens from there were not good; try again later.",
    500: "The agent made a mistake; its log says more.",
    503: "The store, or the state, does not answer.",
}

ANY_REQUEST: Final = (400, 401, 403, 421, 429)
"""Statuses of errors that any request may have, from who asks and under which name."""

SECURITY: Final = "token"
SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of tsmon-agent token create. From the agent's own machine one may see without.",
}

_REFERENCE: Final = "#/components/schemas/{name}"
_place: Final = re.compile(r"\{(\w+)\}")


def document_of(app: web.Application, base_path: str = "") -> dict[str, Any]:
    """The document of all routes of an application that are described; HEAD goes without saying."""
    described = list(_described(app))
    types = {id(type_): type_ for _, _, operation in described for type_ in _types(operation)}
    schemas, components = msgspec.json.schema_components(types.values(), ref_template=_REFERENCE)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, method, operation in described:
        path = route.removeprefix(base_path)
        found = _operation(path, method, operation, by_type)
        paths.setdefault(path, {})[method.lower()] = found | _access(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tsmon-agent",
            "summary": "State of this host and of the streams that it watches.",
            "version": version("tsmon"),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_path or "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": {SECURITY: SCHEME}},
    }


def _access(operation: Operation) -> dict[str, Any]:
    """Who may do that; who only sees may come without a token, from this machine."""
    if operation.role is None:
        return {"security": []}
    with_token: list[dict[str, list[str]]] = [{SECURITY: []}]
    return {
        "description": f"Needs the role {operation.role}.",
        "security": [*([{}] if operation.role is Role.SEE else []), *with_token],
    }


def _described(app: web.Application) -> Iterator[tuple[str, str, Operation]]:
    for route in app.router.routes():
        operation = operation_of(route.handler)
        if route.resource is not None and operation is not None and route.method != hdrs.METH_HEAD:
            yield route.resource.canonical, route.method, replace(operation, role=needed_role(route.handler))


def _types(operation: Operation) -> Iterator[Any]:
    yield Fault
    parts: list[Answer | Body] = [*operation.answers.values()]
    if operation.body is not None:
        parts.append(operation.body)
    for part in parts:
        yield from (type_ for type_ in part.types.values() if type_ is not None)


def _operation(path: str, method: str, operation: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    said = {parameter.name: parameter for parameter in operation.parameters}
    in_path = [said.pop(name, Parameter(name, name, where="path")) for name in _place.findall(path)]
    name = "_".join([method.lower(), *re.findall(r"\w+", path)]) or method.lower()
    found: dict[str, Any] = {"operationId": name, "summary": operation.summary, "tags": [operation.tag]}
    if parameters := [_parameter(one) for one in (*in_path, *said.values())]:
        found["parameters"] = parameters
    if operation.body is not None:
        found["requestBody"] = _body(operation.body, schemas)
    responses = {
        status: {"description": answer.text, "content": _content(answer.types, schemas)}
        for status, answer in operation.answers.items()
    }
    for status in (*ANY_REQUEST, *operation.faults):
        types: dict[str, Any] = {"application/json": Fault, "text/html": None}
        responses.setdefault(status, {"description": FAULTS[status], "content": _content(types, schemas)})
    # A request under a foreign name gets no page, so that no page of ours is ever shown under it.
    responses[421]["content"] = _content({"text/plain": None}, schemas)
    found["responses"] = {str(status): response for status, response in sorted(responses.items())}
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.text,
        "required": parameter.required or parameter.where == "path",
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        found["example"] = parameter.example
    return found


def _body(body: Body, schemas: Mapping[int, Any]) -> dict[str, Any]:
    return {"required": body.required, "content": _content(body.types, schemas)}


def _content(types: Mapping[str, Any], schemas: Mapping[int, Any]) -> dict[str, Any]:
    return {
        media: {"schema": {"type": "string"} if type_ is None else schemas[id(type_)]}
        for media, type_ in types.items()
    }
