"""Forms that pages post."""

from typing import Final

from aiohttp import web

from tsmon_agent.web.requests.deadline import body_deadline

__all__ = ["FORM", "read_form"]

FORM: Final = "application/x-www-form-urlencoded"
CHARSETS: Final = (None, "utf-8", "utf8")


async def read_form(request: web.Request) -> dict[str, str]:
    """Texts of a posted form by name, of a repeated name the first; raises 400, 408 and 415 for anything else."""
    if request.content_type != FORM and (request.can_read_body or request.content_length):
        raise web.HTTPUnsupportedMediaType(text=f"Post a form as {FORM}.")
    if (request.charset and request.charset.lower()) not in CHARSETS:
        raise web.HTTPUnsupportedMediaType(text="Post a form in UTF-8.")
    try:
        async with body_deadline():
            posted = await request.post()
    except (ValueError, LookupError):
        raise web.HTTPBadRequest(text="The form cannot be parsed.") from None
    firsts = ((name, posted.getall(name)[0]) for name in posted)
    return {name: value for name, value in firsts if isinstance(value, str)}
