"""Bodies of requests: JSON and tables, up to a size."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from tsmon.errors import ImportingError
from tsmon_agent.tables.encodings import check_encoding
from tsmon_agent.tables.whole_text import decode_text
from tsmon_agent.web.requests.deadline import body_deadline

__all__ = ["CSV", "JSON", "read_json", "read_object", "read_table"]

JSON: Final = "application/json"
CSV: Final = "text/csv"

LARGEST_TABLE: Final = 8 * 1024 * 1024
"""A hundred thousand rows of streams with names of usual length."""


async def read_json(request: web.Request) -> Any:
    """The JSON that a request carries; raises 400, 408, 413 and 415."""
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"Send {JSON}.")
    try:
        return msgspec.json.decode(await _read(request))
    except msgspec.DecodeError as error:
        reason = str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0]
        raise web.HTTPBadRequest(text=f"The body is not JSON: {reason[:1].lower()}{reason[1:]}.") from None
    except RecursionError:
        raise web.HTTPBadRequest(text="The body is nested too deeply.") from None


async def read_object(request: web.Request) -> Mapping[str, Any]:
    """The JSON object that a request carries; raises 400, 408, 413, 415 and 422."""
    found = await read_json(request)
    if not isinstance(found, dict):
        raise web.HTTPUnprocessableEntity(text="The body is not a JSON object; send one, such as {}.")
    return found


async def read_table(request: web.Request) -> str | list[Mapping[str, Any]]:
    """The table that a request carries, as CSV text or as objects; raises 400, 408, 413, 415 and 422."""
    if request.content_type == CSV:
        return await _decode(await _read(request), request.charset)
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"Send {CSV} or {JSON}.")
    found = await read_json(request)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise web.HTTPUnprocessableEntity(text="The body is not a list of JSON objects; send one for each row.")
    return found


async def _decode(data: bytes, charset: str | None) -> str:
    try:
        encoding = "utf-8" if charset is None else check_encoding(charset)
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except ImportingError:
        raise web.HTTPUnsupportedMediaType(text=f"There is no charset {charset}; send UTF-8.") from None
    except UnicodeDecodeError:
        pass
    try:
        # This takes longer than an event loop may stop.
        return await asyncio.to_thread(decode_text, "the table", data, charset)
    except ImportingError as error:
        text = str(error)
        raise web.HTTPBadRequest(text=f"{text[:1].upper()}{text[1:]}.") from None


async def _read(request: web.Request) -> bytes:
    parts = bytearray()
    async with body_deadline():
        async for part in request.content.iter_any():
            parts += part
            if len(parts) > LARGEST_TABLE:
                raise web.HTTPRequestEntityTooLarge(
                    max_size=LARGEST_TABLE,
                    actual_size=len(parts),
                    text=f"The body is larger than {LARGEST_TABLE >> 20} MiB; send it in parts.",
                )
    return bytes(parts)
