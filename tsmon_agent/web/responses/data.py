"""Data for programs: JSON and CSV."""

import hashlib

import msgspec
from aiohttp import web

__all__ = ["csv_response", "json_response", "respond_if_changed"]


def json_response(value: object, *, status: int = 200) -> web.Response:
    """A response in JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def csv_response(table: str, *, file_name: str | None = None) -> web.Response:
    """A table in CSV; with ``file_name`` browsers save it under that name."""
    headers = {} if file_name is None else {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return web.Response(text=table, content_type="text/csv", headers=headers)


def respond_if_changed(request: web.Request, response: web.Response) -> web.Response:
    """The response with an entity tag, or 304 where the client has this content already."""
    assert isinstance(response.body, bytes)
    response.etag = hashlib.sha256(response.body).hexdigest()[:32]
    response.headers["Cache-Control"] = "no-cache"
    if response.etag in (request.if_none_match or ()):
        headers = {"ETag": response.headers["ETag"], "Cache-Control": "no-cache"}
        return web.Response(status=304, headers=headers)
    return response
