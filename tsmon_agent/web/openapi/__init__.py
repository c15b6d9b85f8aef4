"""The description of the HTTP interface: declared beside the handlers, collected into one OpenAPI document."""

from tsmon_agent.web.openapi.document import build_document
from tsmon_agent.web.openapi.operations import (
    Body,
    Fault,
    Operation,
    Response,
    implement,
    operation,
    operation_of,
    returns,
    returns_json,
    returns_page,
    returns_text,
)

__all__ = [
    "Body",
    "Fault",
    "Operation",
    "Response",
    "build_document",
    "implement",
    "operation",
    "operation_of",
    "returns",
    "returns_json",
    "returns_page",
    "returns_text",
]
