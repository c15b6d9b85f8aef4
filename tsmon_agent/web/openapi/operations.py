"""What is said of a handler: parameters, body and answers, with the types that it uses itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import msgspec

from tsmon_agent.auth import Role

__all__ = [
    "Answer",
    "Body",
    "Fault",
    "Operation",
    "Parameter",
    "documented",
    "html",
    "json",
    "operation_of",
    "text",
]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_MARK: Final = "__tsmon_operation__"


class Fault(msgspec.Struct, frozen=True):
    """What went wrong, in one sentence for people."""

    error: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query or the path; ``schema`` is JSON Schema."""

    name: str
    text: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    where: Literal["query", "path"] = "query"
    required: bool = False
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries, by media type: a type that msgspec knows, or None for text."""

    types: Mapping[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status: what it means, and its type by media type (None: text)."""

    text: str
    types: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """All that is said of a handler. ``faults`` are statuses of errors besides those that any request may have.

    ``role`` is what who asks has to have, None for everyone.
    """

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    faults: tuple[int, ...] = ()
    role: Role | None = None


def documented(
    summary: str,
    tag: str,
    *answers: tuple[int, Answer],
    parameters: tuple[Parameter, ...] = (),
    body: Body | None = None,
    faults: tuple[int, ...] = (),
) -> Callable[[Handler], Handler]:
    """Say of a handler what it takes and gives; path parameters that are not described are texts."""
    operation = Operation(summary, tag, dict(answers), parameters, body, faults)

    def mark(handler: Handler) -> Handler:
        setattr(handler, _MARK, operation)
        return handler

    return mark


def operation_of(handler: object) -> Operation | None:
    """What was said of a handler, a function or a method, wrapped by ``functools.wraps`` or not."""
    found = getattr(handler, _MARK, None)
    return found if isinstance(found, Operation) else None


def json(type_: Any, text_: str = "As asked for.", *, status: int = 200) -> tuple[int, Answer]:
    """A JSON answer."""
    return status, Answer(text_, {"application/json": type_})


def html(text_: str, *, status: int = 200) -> tuple[int, Answer]:
    """A page."""
    return status, Answer(text_, {"text/html": None})


def text(text_: str, media: str = "text/plain", *, status: int = 200) -> tuple[int, Answer]:
    """An answer in another form."""
    return status, Answer(text_, {media: None})
