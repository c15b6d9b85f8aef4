"""What requests about streams and deployments have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy.orm import Session

from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams import Changes, streams
from tsmon_agent.web.openapi import Parameter

__all__ = [
    "DESIGNATOR",
    "DRY_RUN",
    "FORMAT",
    "ChangesJson",
    "changes_json",
    "flag_in",
    "in_csv",
    "named",
    "names_in",
]

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


def changes_json(changes: Changes) -> ChangesJson:
    """The same for JSON."""
    return ChangesJson(changes.added, changes.changed, changes.unchanged)


def names_in(request: web.Request) -> list[str]:
    """Names in the path: of the instrument, the method, the stream."""
    return [request.match_info[name] for name in ("designator", "method", "stream") if name in request.match_info]


def selected(
    session: Session, asked: Mapping[str, str], *, enabled: bool | None = None
) -> Sequence[ExpectedStream]:
    """Expected streams that have the names which a query asks for."""
    return streams(
        session,
        reference_designator=asked.get("reference_designator") or None,
        method=asked.get("method") or None,
        stream=asked.get("stream") or None,
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
