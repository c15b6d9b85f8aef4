"""Operations: what a handler takes and returns, declared beside it."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.requests.parameters import Parameter, parse_parameters

__all__ = [
    "Body",
    "Fault",
    "Operation",
    "Response",
    "implement",
    "operation",
    "operation_of",
    "returns",
    "returns_json",
    "returns_page",
    "returns_text",
]

Handler = Callable[..., Awaitable[web.StreamResponse]]

_MARK: Final = "__tsmon_operation__"


class Fault(msgspec.Struct, frozen=True):
    """What went wrong, in one sentence for people."""

    error: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries, by media type: a type that msgspec knows, or None for text."""

    types: Mapping[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """What a status means, and the type of its body by media type (None: text)."""

    status: int
    description: str
    types: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a handler takes and returns.

    ``faults`` are the statuses of its errors, apart from those that any request may have. ``role`` is the role that
    the handler requires, None where it is for everyone.
    """

    summary: str
    tag: str
    responses: tuple[Response, ...]
    parameters: tuple[Parameter[Any], ...] = ()
    body: Body | None = None
    faults: tuple[int, ...] = ()
    role: Role | None = None


def operation(
    summary: str,
    tag: str,
    *responses: Response,
    parameters: tuple[Parameter[Any], ...] = (),
    body: Body | None = None,
    faults: tuple[int, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare the operation of a handler, which gets the parameters' values as its last argument if there are any.

    Path parameters that are not declared are texts in ``request.match_info``.
    """
    declared = Operation(summary, tag, responses, parameters, body, faults)
    return lambda handler: implement(declared, handler)


def implement(declared: Operation, handler: Handler) -> Handler:
    """A handler that parses the declared parameters and passes their values to ``handler``."""

    @functools.wraps(handler)
    async def parsing(*arguments: Any) -> web.StreamResponse:
        if declared.parameters:
            arguments = (*arguments, parse_parameters(arguments[-1], declared.parameters))
        return await handler(*arguments)

    setattr(parsing, _MARK, declared)
    return parsing


def operation_of(handler: object) -> Operation | None:
    """The declared operation of a handler, a function or a method, wrapped by ``functools.wraps`` or not."""
    found = getattr(handler, _MARK, None)
    return found if isinstance(found, Operation) else None


def returns(status: int, description: str, types: Mapping[str, Any] | None = None) -> Response:
    """A response with these types by media type; without any it has no body."""
    return Response(status, description, types or {})


def returns_json(type_: Any, description: str = "As requested.", *, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(status, description, {"application/json": type_})


def returns_page(description: str = "The page.", *, status: int = 200) -> Response:
    """A page."""
    return Response(status, description, {"text/html": None})


def returns_text(description: str, media: str = "text/plain", *, status: int = 200) -> Response:
    """A text of another media type."""
    return Response(status, description, {media: None})
