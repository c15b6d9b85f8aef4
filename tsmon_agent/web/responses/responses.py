"""What every answer has: headers that keep browsers careful, and errors as one sentence."""

import hashlib
import logging
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tsmon_agent.web.responses.templates import Templates

__all__ = ["add_headers", "errors_as_sentences", "json_response", "unless_known"]

_log = logging.getLogger("tsmon")

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with none at all browsers post forms with Origin: null
    "X-Content-Type-Options": "nosniff",
}

SENTENCES: Final = {
    404: "There is no such page.",
    500: "The agent could not make this page; its log says why.",
}

PASSED_ON: Final = ("Allow", "Retry-After", "WWW-Authenticate")
"""Headers of an error that its answer keeps."""

FOR_PROGRAMS: Final = frozenset(
    {"api", "available", "deployed", "expected", "instrument", "openapi.json", "readyz", "stream"}
)
"""First parts of the addresses whose errors are JSON, unless a browser asks."""


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers to an answer that is about to be sent."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "tsmon-agent"


def errors_as_sentences(templates: Templates, base_path: str = "") -> Middleware:
    """Middleware that answers errors in the pages' look, to programs as JSON; never with what was asked for."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            status, headers = (
                error.status,
                {name: error.headers[name] for name in PASSED_ON if name in error.headers},
            )
            own_text = error.text if error.text and not error.text.startswith(f"{status}: ") else None
            sentence = own_text or SENTENCES.get(status, f"{error.reason}.")
            if isinstance(error, web.HTTPMethodNotAllowed):
                allowed = sorted(error.allowed_methods)
                sentence = f"Only {_enumerated(allowed)} {'is' if len(allowed) == 1 else 'are'} understood here."
        except Exception:
            _log.exception("a page could not be made")
            status, headers, sentence = 500, {}, SENTENCES[500]
        response = _error(request, templates, base_path, status, sentence)
        response.headers.update(headers)
        return response

    return middleware


def json_response(value: object, *, status: int = 200) -> web.Response:
    """An answer for programs."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def unless_known(request: web.Request, response: web.Response) -> web.Response:
    """The answer with a tag of its content, or 304 where who asks has the same already."""
    assert isinstance(response.body, bytes)
    response.etag = hashlib.sha256(response.body).hexdigest()[:32]
    response.headers["Cache-Control"] = "no-cache"
    if response.etag in (request.if_none_match or ()):
        headers = {"ETag": response.headers["ETag"], "Cache-Control": "no-cache"}
        return web.Response(status=304, headers=headers)
    return response


def _error(request: web.Request, templates: Templates, base_path: str, status: int, sentence: str) -> web.Response:
    path = request.path.removeprefix(base_path)
    if status == web.HTTPMisdirectedRequest.status_code or path == "/live":
        return web.Response(text=sentence + "\n", status=status)
    browser = "text/html" in request.headers.get("Accept", "")
    if path.lstrip("/").split("/", 1)[0] in FOR_PROGRAMS and not browser:
        return json_response({"error": sentence}, status=status)
    return templates.page(request, "error.html", status=status, sentence=sentence)


def _enumerated(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
