"""Every page of the navigation is usable by everyone, in every size and colour."""

import time
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.tsmon_agent.web.pages_in_browser import page_of
from tests.tsmon_agent.web.served_agent import GIB, ServedAgent, cpu, disk, diskio, memory, net, system
from tsmon.time_units import SECOND_NS
from tsmon_agent.auth import Role
from tsmon_agent.web.registry import HANDLERS
from tsmon_agent.web.requests.required_role import required_role
from tsmon_agent.web.responses.navigation import navigation_title

PAGES = [
    route.path
    for handlers in HANDLERS
    for route in handlers.__new__(handlers).routes()
    if navigation_title(route.handler) and required_role(route.handler) is Role.SEE
]


async def fill(served: ServedAgent) -> None:
    """Rounds in every state, and something to draw."""
    served.publish_all(busy=85.0)
    served.publish("disk", disk("/", 10.0), disk("/a/very/long/path/that/does/not/fit" * 4, 90.0), disk("/x", 99.0))
    served.publish("system", system(), time_ns=time.time_ns() - 3_600 * SECOND_NS)
    for second in range(300, 0, -10):
        at = time.time_ns() - second * SECOND_NS
        await served.store(
            cpu(50.0, time=at),
            memory(used=GIB, time=at),
            system(time=at),
            disk("/a/very/long/path/that/does/not/fit" * 4, 50.0, time=at),
            net("enp0s31f6verylongname", received=GIB - second * 2**20, sent=0, time=at),
            diskio("vda", read=GIB, written=GIB, time=at),
        )
    failing, works = served.context.sampling.health[:2]
    failing.failing, failing.last_error = True, "OSError: [Errno 5] Input/output error: '/proc/" + "x" * 200 + "'"
    works.last_success_ns, works.last_duration_s = time.time_ns(), 0.001


def test_the_pages_are_those_of_the_navigation() -> None:
    assert PAGES == ["/", "/streams", "/pipeline"]


async def drawn(page: Page, path: str) -> None:
    if path == "/":
        await expect(page.locator("canvas")).to_have_count(6)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_axe_finds_nothing(browser: Browser, served: ServedAgent, path: str, scheme: str) -> None:
    await fill(served)
    async with page_of(browser, served, path, color_scheme=scheme, bypass_csp=True) as page:
        await drawn(page, path)
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        found = (await Axe().run(page)).response
        assert len(found["passes"]) > 20
        assert _brief(found["violations"]) == []


def _brief(violations: list[dict[str, Any]]) -> list[str]:
    return [f"{v['id']} ({v['impact']}): {node['html'][:200]}" for v in violations for node in v["nodes"]]


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_has_to_be_scrolled_sideways(browser: Browser, served: ServedAgent, path: str) -> None:
    await fill(served)
    async with page_of(browser, served, path) as page:
        await drawn(page, path)
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        for width in (1920, 1366, 1024, 900, 768, 412, 360, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            await expect(page.locator("html")).to_have_js_property("scrollWidth", width)


async def test_the_keyboard_reaches_everything_in_order(browser: Browser, served: ServedAgent) -> None:
    await fill(served)
    async with page_of(browser, served) as page:
        await drawn(page, "/")
        reached = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.textContent.trim().slice(0, 12)"))
            assert await page.evaluate("document.activeElement.matches(':focus-visible')")
        assert [words.strip() for words in reached[:8]] == [
            "Skip to the",
            "tsmon",
            "Host",
            "Streams",
            "Pipeline",
            "Sign in",
            "◐Theme: syst",
            "What is high",
        ]
        assert reached[8:] == ["15m", "1h", "6h", "24h", "7d", "30d"]
        await page.keyboard.press("Shift+Tab")


async def test_the_skip_link_leads_to_the_content(browser: Browser, served: ServedAgent) -> None:
    async with page_of(browser, served) as page:
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"


async def test_those_who_want_no_motion_get_none(browser: Browser, served: ServedAgent) -> None:
    await fill(served)
    durations = "[...document.querySelectorAll('*')].map(e => getComputedStyle(e).transitionDuration)"
    async with page_of(browser, served, reduced_motion="reduce") as page:
        assert set(await page.evaluate(durations)) == {"0s"}
