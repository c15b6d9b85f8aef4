"""Parameters of addresses, each declared once: for the OpenAPI document, and for parsing requests."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

from aiohttp import web

__all__ = [
    "Parameter",
    "ParameterValues",
    "choice",
    "enumerate_options",
    "flag",
    "integer",
    "number",
    "parse_number",
    "parse_parameters",
    "text",
]

T = TypeVar("T")
D = TypeVar("D")

TEXT: Final = {"type": "string"}

MOST_DIGITS: Final = 18
LARGEST_INTEGER: Final = 10**MOST_DIGITS - 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Parameter(Generic[T]):
    """A parameter in the query or the path.

    ``parse`` turns its text into a value, or raises :class:`ValueError` with the end of the sentence "The parameter
    X …". ``default`` is the value where the query does not have it. ``schema`` is JSON Schema.
    """

    name: str
    description: str
    parse: Callable[[str], T]
    default: T
    schema: Mapping[str, Any] = field(default_factory=lambda: TEXT)
    where: Literal["query", "path"] = "query"
    required: bool = False
    example: str | None = None


class ParameterValues:
    """Values of a request's parameters, by their declarations."""

    def __init__(self, values: Mapping[Parameter[Any], Any], texts: Mapping[Parameter[Any], str]) -> None:
        self._values = values
        self._texts = texts

    def __getitem__(self, parameter: Parameter[T]) -> T:
        value: T = self._values[parameter]
        return value

    def texts(self, *parameters: Parameter[Any]) -> list[tuple[str, str]]:
        """Names and texts of those among ``parameters`` that the query has and that are not empty."""
        return [(one.name, self._texts[one]) for one in parameters if self._texts.get(one)]


def parse_parameters(request: web.Request, parameters: Iterable[Parameter[Any]]) -> ParameterValues:
    """Values of a request's parameters; raises 400 for an unknown one, a repeated one, and a wrong value.

    An address without parameters in the query ignores the query.
    """
    parameters = tuple(parameters)
    if in_query := [one.name for one in parameters if one.where == "query"]:
        _reject_unknown(request, in_query)
    values: dict[Parameter[Any], Any] = {}
    texts: dict[Parameter[Any], str] = {}
    for parameter in parameters:
        found = request.query if parameter.where == "query" else request.match_info
        if parameter.name in found:
            texts[parameter] = found[parameter.name]
        elif not parameter.required:
            values[parameter] = parameter.default
            continue
        try:
            values[parameter] = parameter.parse(texts.get(parameter, ""))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"The parameter {parameter.name} {error}.") from None
    return ParameterValues(values, texts)


def text(
    name: str,
    description: str,
    *,
    where: Literal["query", "path"] = "query",
    required: bool = False,
    example: str | None = None,
) -> Parameter[str]:
    """Any text, by default empty."""
    return Parameter(
        name=name, description=description, parse=str, default="", where=where, required=required, example=example
    )


def choice(
    name: str, description: str, options: Mapping[str, T], default: D, *, required: bool = False
) -> Parameter[T | D]:
    """One of the texts in ``options``, which maps them to their values."""

    def parse(text: str) -> T | D:
        if text not in options:
            raise ValueError(f"must be {enumerate_options([option for option in options if option])}")
        return options[text]

    return Parameter(
        name=name,
        description=description,
        parse=parse,
        default=default,
        schema={"type": "string", "enum": list(options)},
        required=required,
    )


def flag(name: str, description: str, default: D) -> Parameter[bool | D]:
    """``true`` or ``false``."""
    return choice(name, description, {"true": True, "false": False}, default)


def number(name: str, description: str) -> Parameter[float | None]:
    """A finite number; None where the query does not have it."""
    return Parameter(
        name=name, description=description, parse=parse_number, default=None, schema={"type": "number"}
    )


def integer(
    name: str,
    description: str,
    default: D,
    *,
    least: int = -LARGEST_INTEGER,
    most: int = LARGEST_INTEGER,
    where: Literal["query", "path"] = "query",
) -> Parameter[int | D]:
    """An integer from ``least`` to ``most``."""

    def parse(text: str) -> int:
        digits = text.removeprefix("-")
        # A longer text could still be a number, but none that is meant, and int() takes quadratic time.
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
            raise ValueError("must be an integer")
        if not least <= int(text) <= most:
            raise ValueError(f"must be from {least} to {most}")
        return int(text)

    return Parameter(
        name=name,
        description=description,
        parse=parse,
        default=default,
        schema={"type": "integer", "minimum": least, "maximum": most},
        where=where,
    )


def parse_number(text: str) -> float:
    """A finite number; raises :class:`ValueError` as parsers of parameters do."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number")
    return value


def enumerate_options(options: Sequence[str]) -> str:
    """``a or b``, or ``one of a, b, c``."""
    return f"one of {', '.join(options)}" if len(options) > 2 else " or ".join(options)


def _reject_unknown(request: web.Request, known: Sequence[str]) -> None:
    """Raise 400 for a parameter that is misspelt or repeated, which would have no effect without notice."""
    for name in request.query:
        if name not in known:
            raise web.HTTPBadRequest(text=f"There is an unknown parameter; this address takes {', '.join(known)}.")
        if len(request.query.getall(name)) > 1:
            raise web.HTTPBadRequest(text=f"The parameter {name} is there more than once; give it once.")
