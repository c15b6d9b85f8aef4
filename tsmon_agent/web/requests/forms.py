"""Forms that pages post."""

from typing import Final

from aiohttp import web

from tsmon_agent.web.requests.deadline import soon

__all__ = ["FORM", "form_of"]

FORM: Final = "application/x-www-form-urlencoded"
CHARSETS: Final = (None, "utf-8", "utf8")


async def form_of(request: web.Request) -> dict[str, str]:
    """Texts of a posted form by their names, the first of each; raises 400, 408 and 415 for what is none."""
    if request.content_type != FORM and (request.can_read_body or request.content_length):
        raise web.HTTPUnsupportedMediaType(text=f"Post a form as {FORM}.")
    if (request.charset and request.charset.lower()) not in CHARSETS:
        raise web.HTTPUnsupportedMediaType(text="Post a form in UTF-8.")
    try:
        async with soon():
            posted = await request.post()
    except (ValueError, LookupError):
        raise web.HTTPBadRequest(text="The form is not to be understood.") from None
    firsts = ((name, posted.getall(name)[0]) for name in posted)
    return {name: value for name, value in firsts if isinstance(value, str)}
