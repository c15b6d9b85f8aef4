"""Errors as one sentence: a page for browsers, JSON for programs."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tsmon.errors import (
    AccessError,
    InvalidRowsError,
    StateConflictError,
    StateError,
    StoreError,
    TsmonError,
    UnknownNameError,
)
from tsmon_agent.web.openapi import operation_of
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.responses.templates import Templates

__all__ = ["JSON_PARTS", "as_sentence", "find_json_parts", "http_error_for", "respond_to_errors"]

_log = logging.getLogger("tsmon")

SENTENCES: Final = {
    404: "There is no such page.",
    500: "The agent could not make this page; its log says why.",
}

JSON_PARTS: Final = web.AppKey("json_parts", frozenset[str])
"""First parts of the addresses whose errors are JSON, unless a browser sends the request."""

KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate")
"""Headers of an error that its response keeps."""


def respond_to_errors(templates: Templates, base_path: str = "") -> Middleware:
    """Middleware that makes a response of every error; it is the only place that does."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            http_error = error
        except TsmonError as error:
            http_error = http_error_for(error) or _report_unexpected()
        except Exception:
            http_error = _report_unexpected()
        response = _respond(request, templates, base_path, http_error)
        response.headers.update(
            {name: http_error.headers[name] for name in KEPT_HEADERS if name in http_error.headers}
        )
        return response

    return middleware


def find_json_parts(app: web.Application, base_path: str = "") -> frozenset[str]:
    """First parts of the addresses that return JSON: ``api`` of ``/api/pipeline``."""
    parts = set()
    for route in app.router.routes():
        declared = operation_of(route.handler)
        if route.resource is None or declared is None:
            continue
        if any("application/json" in response.types for response in declared.responses):
            parts.add(_first_part(route.resource.canonical.removeprefix(base_path)))
    return frozenset(parts)


def http_error_for(error: TsmonError) -> web.HTTPException | None:
    """The HTTP error that reports an error of the state or the store: 404, 409, 422 or 503; None for others."""
    if isinstance(error, UnknownNameError):
        return web.HTTPNotFound(text=as_sentence(error))
    if isinstance(error, StateConflictError):
        return web.HTTPConflict(text=as_sentence(error))
    if isinstance(error, InvalidRowsError | AccessError):
        return web.HTTPUnprocessableEntity(text=as_sentence(error))
    if isinstance(error, StateError):
        return web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.")
    if isinstance(error, StoreError):
        return web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.")
    return None


def as_sentence(error: Exception) -> str:
    """The text of an error as one sentence."""
    text = str(error).replace("\n", "; ")
    return f"{text[:1].upper()}{text[1:]}."


def _report_unexpected() -> web.HTTPException:
    """Log the exception that is being handled."""
    _log.exception("a page could not be made")
    return web.HTTPInternalServerError(text=SENTENCES[500])


def _sentence(error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = sorted(error.allowed_methods)
        words = " and ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
        return f"This address supports only {words}."
    if error.text and not error.text.startswith(f"{error.status}: "):
        return error.text
    return SENTENCES.get(error.status, f"{error.reason}.")


def _respond(request: web.Request, templates: Templates, base_path: str, error: web.HTTPException) -> web.Response:
    status, sentence = error.status, _sentence(error)
    path = request.path.removeprefix(base_path)
    if status == web.HTTPMisdirectedRequest.status_code or path == "/live":
        return web.Response(text=sentence + "\n", status=status)
    browser = "text/html" in request.headers.get("Accept", "")
    if not browser and _first_part(path) in request.app[JSON_PARTS]:
        return json_response({"error": sentence}, status=status)
    return templates.render(request, "error.html", status=status, sentence=sentence)


def _first_part(path: str) -> str:
    return path.lstrip("/").partition("/")[0]
