"""The description of the HTTP interface, declared beside the handlers and made into one OpenAPI document."""

from tsmon_agent.web.openapi.document import document_of
from tsmon_agent.web.openapi.operations import (
    Answer,
    Body,
    Fault,
    Operation,
    Parameter,
    documented,
    html,
    json,
    operation_of,
    text,
)

__all__ = [
    "Answer",
    "Body",
    "Fault",
    "Operation",
    "Parameter",
    "document_of",
    "documented",
    "html",
    "json",
    "operation_of",
    "text",
]
