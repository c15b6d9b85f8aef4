"""A page that is registered needs nothing else: navigation, document, access checks and live messages follow."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable

import msgspec
from aiohttp import web

from tests.tsmon_agent.web.guarded_agent import STRANGER, GuardedAgent, bearer
from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon.errors import StoreUnavailableError
from tsmon_agent.auth import Role
from tsmon_agent.context import AgentContext
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.openapi import operation, returns_json, returns_page
from tsmon_agent.web.registry import HANDLERS
from tsmon_agent.web.requests.parameters import ParameterValues, choice
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.responses.navigation import in_navigation

COLOR = choice("color", "Which color.", {"red": 1, "green": 2, "blue": 3}, 1)


async def ticks(_: AgentContext, beat_s: float) -> AsyncIterator[bytes]:
    while True:
        yield msgspec.json.encode({"type": "tick"})
        await asyncio.sleep(beat_s)


class ExtraPage(Handlers):
    live = LiveSource("extra", ticks)

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/extra", self._get_page),
            web.get("/extra-data/{name}", self._get_json),
            web.get("/forgotten", self._get_forgotten),
        )

    @in_navigation("Extra")
    @requires_role(Role.OPERATE)
    @operation("An extra page", "pages", returns_page(), parameters=(COLOR,))
    async def _get_page(self, request: web.Request, values: ParameterValues) -> web.Response:
        return self._templates.render(request, "error.html", sentence=f"Color {values[COLOR]}")

    @requires_role(Role.SEE)
    @operation("Extra data", "pages", returns_json(dict[str, str]), faults=(503,))
    async def _get_json(self, request: web.Request) -> web.Response:
        if request.match_info["name"] == "away":
            raise StoreUnavailableError("the disk is full")
        return json_response({"name": request.match_info["name"]})

    @in_navigation("Forgotten")
    async def _get_forgotten(self, request: web.Request) -> web.Response:
        return web.Response(text="only for administrators")


def navigation(page: str) -> list[tuple[str, bool]]:
    """Titles, and whether they are marked as the current page."""
    (found,) = re.findall(r'<nav aria-label="Pages">(.*?)</nav>', page, re.DOTALL)
    return [
        (title, "aria-current" in attributes) for attributes, title in re.findall(r"<a ([^>]*)>(\w+)</a>", found)
    ]


async def test_a_registered_page_is_in_the_navigation_of_those_who_may_see_it(guarded: GuardedAgent) -> None:
    client = await guarded.serve(handlers=(*HANDLERS, ExtraPage), trusted_proxies=["127.0.0.1"], base_path="/mon")
    expected = {
        "see": ["Host", "Streams", "Pipeline"],
        "operate": ["Host", "Streams", "Pipeline", "Extra"],
        "administer": ["Host", "Streams", "Pipeline", "Audit", "Extra", "Forgotten"],
    }
    for role, titles in expected.items():
        headers = {**STRANGER, **bearer(await guarded.token(role))}
        async with client.get("/mon/pipeline", headers=headers) as response:
            assert navigation(await response.text()) == [(title, title == "Pipeline") for title in titles]
    async with client.get("/mon/extra?color=blue", headers=headers) as response:
        page = await response.text()
        assert "<h1>Color 3</h1>" in page
        assert ("Extra", True) in navigation(page)
        assert '<a href="/mon/extra" aria-current="page">' in page


async def test_pages_below_an_entry_belong_to_it(served: ServedAgent) -> None:
    assert ("Host", True) in navigation(await served.get_text("/"))
    assert navigation(await served.get_text("/streams")) == [
        ("Host", False),
        ("Streams", True),
        ("Pipeline", False),
    ]
    assert not any(current for _, current in navigation(await served.get_text("/streams/none", 404)))


async def test_a_registered_page_is_in_the_document(guarded: GuardedAgent) -> None:
    client = await guarded.serve(handlers=(*HANDLERS, ExtraPage))
    async with client.get("/openapi.json") as response:
        paths = (await response.json())["paths"]
    assert paths["/extra"]["get"]["description"] == "Needs the role operate."
    assert paths["/extra"]["get"]["parameters"] == [
        {
            "name": "color",
            "in": "query",
            "description": "Which color.",
            "required": False,
            "schema": {"type": "string", "enum": ["red", "green", "blue"]},
        }
    ]
    assert "/forgotten" not in paths


async def test_a_registered_page_is_only_for_its_role_and_one_without_for_administrators(
    guarded: GuardedAgent,
) -> None:
    client = await guarded.serve(handlers=(*HANDLERS, ExtraPage), trusted_proxies=["127.0.0.1"])
    allowed = {"see": (403, 403), "write": (403, 403), "operate": (200, 403), "administer": (200, 200)}
    for role, statuses in allowed.items():
        headers = {**STRANGER, **bearer(await guarded.token(role))}
        for path, status in zip(("/extra", "/forgotten"), statuses, strict=True):
            async with client.get(path, headers=headers) as response:
                assert response.status == status, (role, path)
    for path in ("/extra", "/forgotten", "/extra-data/1"):
        async with client.get(path, headers=STRANGER) as response:
            assert response.status == 401


async def test_its_parameters_are_checked_and_its_errors_answered(guarded: GuardedAgent) -> None:
    client = await guarded.serve(handlers=(*HANDLERS, ExtraPage))
    headers = bearer(await guarded.token("operate"))
    for query, sentence in (
        ("color=pink", "The parameter color must be one of red, green, blue."),
        ("colour=red", "There is an unknown parameter; this address takes color."),
        ("color=red&color=blue", "The parameter color is there more than once; give it once."),
    ):
        async with client.get(f"/extra?{query}", headers=headers) as response:
            assert response.status == 400
            assert f"<h1>{sentence}</h1>" in await response.text()
    async with client.get("/extra-data/away") as response:
        assert response.status == 503
        assert await response.json() == {"error": "The store does not answer: the disk is full."}


async def test_its_live_messages_are_sent(guarded: GuardedAgent) -> None:
    client = await guarded.serve(handlers=(*HANDLERS, ExtraPage))
    async with client.ws_connect("/live?page=extra") as socket:
        assert (await socket.receive_json())["type"] == "hello"
        assert await socket.receive_json() == {"type": "tick"}
