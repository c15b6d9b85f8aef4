"""The host's page in a real browser."""

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.services.browser import visiting
from tests.tsmon_agent.web.pages_in_browser import expect_live, page_of
from tests.tsmon_agent.web.served_agent import GIB, ServedAgent, cpu, disk, diskio, memory, net
from tsmon.time_units import SECOND_NS
from tsmon_agent.agent import Agent
from tsmon_agent.formatting import size
from tsmon_agent.settings import Settings, WebSettings
from tsmon_agent.web import WebServer


def figure(page: Page, card: str) -> str:
    return f'[data-card="{card}"] .figure'


def legend(page: Page, chart: str, part: str) -> str:
    return f'[data-chart="{chart}"] .legend li:has-text("{part}") .legend-value'


async def history(served: ServedAgent, *, minutes: int = 10) -> int:
    """Ten-second rounds up to now, of a processor that is busy by as many percent as minutes have passed since."""
    now_ns = time.time_ns()
    rounds = [(second, now_ns - second * SECOND_NS) for second in range(minutes * 60, 0, -10)]
    await served.store(*(cpu(second / 60, time=time_ns) for second, time_ns in rounds))
    await served.store(*(memory(used=3 * GIB, time=time_ns) for _, time_ns in rounds))
    return now_ns


async def test_a_sampling_agent_shows_its_host(browser: Browser, settings: Settings) -> None:
    """All parts together, as they run on a host."""
    agent = Agent(settings.model_copy(update={"agent": settings.agent.model_copy(update={"interval": 0.5})}))
    await agent.start()
    try:
        assert agent.web_address is not None
        served = ServedAgent(agent, agent._web, None)  # type: ignore[arg-type]
        async with page_of(browser, served) as page:
            await expect(page.locator(legend(page, "cpu", "total"))).to_have_text(re.compile(r"^\d+\.\d\s%$"))
            await expect(page.locator(figure(page, "cpu") + "-value")).to_have_text(re.compile(r"^\d+\.\d\s%$"))
            total = size(getattr(agent.context.live.newest["mem"].points[0], "total"))  # noqa: B009
            await expect(page.locator(figure(page, "memory") + "-detail")).to_contain_text(f"of {total}")
            paths = [getattr(point, "path") for point in agent.context.live.newest["disk"].points]  # noqa: B009
            assert await page.locator('[data-card="disk"] bdi').all_text_contents() == paths
            await expect(page.locator("h1")).to_have_text("athena")
    finally:
        await agent.stop()


async def test_a_new_round_appears_without_a_reload(browser: Browser, served: ServedAgent) -> None:
    served.publish_all(busy=12.5)
    await history(served)
    async with page_of(browser, served) as page:
        await expect(page.locator(figure(page, "cpu") + "-value")).to_have_text("12.5\xa0%")
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("0.2\xa0%")
        await page.evaluate("window.kept = true")
        served.publish("cpu", cpu(96.6))
        await expect(page.locator(figure(page, "cpu") + "-value")).to_have_text("96.6\xa0%")
        await expect(page.locator('[data-card="cpu"] .state')).to_have_text(re.compile("✗.*critical"))
        await expect(page.locator("#worst")).to_contain_text("critical")
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("96.6\xa0%")
        assert await page.evaluate("window.kept")


async def test_disks_that_come_and_go_appear_and_disappear(browser: Browser, served: ServedAgent) -> None:
    served.publish("disk", disk("/", 1.0), disk("/usb", 2.0))
    async with page_of(browser, served) as page:
        names = page.locator('[data-card="disk"] .figure-name')
        await expect(names).to_have_text(["/", "/usb"])
        served.publish("disk", disk("/", 1.0), disk("/new", 99.0))
        await expect(names).to_have_text(["/", "/new"])
        await expect(page.locator(figure(page, "disk") + "-state")).to_have_text(["✓ok", "✗critical"])


async def test_a_range_is_chosen_by_keyboard_and_stands_in_the_address(
    browser: Browser, served: ServedAgent
) -> None:
    await history(served)
    async with page_of(browser, served) as page:
        await page.evaluate("window.kept = true")
        await page.locator('[data-range="1h"]').focus()
        await page.keyboard.press("Shift+Tab")
        async with page.expect_response(lambda response: "range=15m&chart=net" in response.url):
            await page.keyboard.press("Enter")
        assert urlsplit(page.url).query == "range=15m"
        await expect(page.locator("[data-range][aria-current]")).to_have_text("15m")
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("0.2\xa0%")
        await page.go_back()
        await expect(page.locator("[data-range][aria-current]")).to_have_text("1h")
        assert await page.evaluate("window.kept")


async def test_the_value_under_the_mouse_is_shown_in_all_charts(browser: Browser, served: ServedAgent) -> None:
    now_ns = await history(served)
    async with page_of(browser, served, "/?range=15m") as page:
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("0.2\xa0%")
        chart = page.locator('[data-chart="cpu"] .u-over')
        await chart.scroll_into_view_if_needed()
        box = await chart.bounding_box()
        assert box is not None
        age_ms = time.time() * 1e3 - now_ns / 1e6
        await page.mouse.move(box["x"] + box["width"] * (1 - (5 * 60_000 + age_ms) / 900_000), box["y"] + 50)
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text(
            re.compile(r"^(4\.[89]|5\.[012])\s%$")
        )
        shown_at = await page.locator('[data-chart="cpu"] .chart-time').text_content()
        await expect(page.locator('[data-chart="memory"] .chart-time')).to_have_text(shown_at or "")
        await page.mouse.move(box["x"] + 10, box["y"] + 50)
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("10.0\xa0%")
        await page.mouse.move(0, 0)
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("0.2\xa0%")


async def test_the_arrow_keys_go_through_the_values(browser: Browser, served: ServedAgent) -> None:
    await history(served)
    async with page_of(browser, served, "/?range=15m") as page:
        value = page.locator(legend(page, "cpu", "total"))
        await expect(value).to_have_text("0.2\xa0%")
        await page.locator('[data-chart="cpu"] .plot').focus()
        await page.keyboard.press("Home")
        await expect(value).to_have_text("10.0\xa0%")
        await page.keyboard.press("ArrowRight")
        await expect(value).to_have_text("9.8\xa0%")
        await page.keyboard.press("End")
        await page.keyboard.press("ArrowLeft")
        await expect(value).to_have_text("0.3\xa0%")
        await page.keyboard.press("Tab")
        await expect(value).to_have_text("0.2\xa0%")


async def test_values_are_there_as_a_table(browser: Browser, served: ServedAgent) -> None:
    await history(served)
    async with page_of(browser, served) as page:
        await expect(page.locator(legend(page, "cpu", "total"))).to_have_text("0.2\xa0%")
        await page.locator('[data-chart="cpu"] summary').press("Enter")
        rows = page.locator('[data-chart="cpu"] tbody tr')
        await expect(rows).to_have_count(30)
        assert (await rows.first.locator("td").all_text_contents())[:3] == ["0.1\xa0%", "0.0\xa0%", "0.1\xa0%"]
        served.publish("cpu", cpu(30.0))
        await expect(rows.first.locator("td").first).to_have_text("20.0\xa0%")


async def test_a_chart_without_values_says_so_and_draws_the_first_that_come(
    browser: Browser, served: ServedAgent
) -> None:
    async with page_of(browser, served) as page:
        message = page.locator('[data-chart="load"] .plot-message')
        await expect(message).to_have_text("There are no values in this range yet.")
        await history(served)
        await page.locator('[data-range="15m"]').click()
        await expect(page.locator('[data-chart="cpu"] canvas')).to_be_visible()


async def test_the_page_says_when_it_is_not_live_and_comes_back(browser: Browser, served: ServedAgent) -> None:
    served.publish_all(busy=12.5)
    port = int(served.address.rpartition(":")[2])
    async with visiting(browser, served.address) as visit:
        await expect_live(visit.page)
        await served.server.stop()
        await expect(visit.page.locator("#live")).to_have_text("not live, reconnecting")
        again = WebServer(served.context, WebSettings(port=port))
        await again.start()
        try:
            await expect(visit.page.locator("#live")).to_have_text("live", timeout=30_000)
            served.publish("cpu", cpu(77.7))
            await expect(visit.page.locator(figure(visit.page, "cpu") + "-value")).to_have_text("77.7\xa0%")
        finally:
            await again.stop()


HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\"'`${alert(1)}", "\u202egnp.exe")


async def test_hostile_names_are_shown_as_they_are(browser: Browser, served: ServedAgent) -> None:
    now_ns = time.time_ns()
    for age in (20, 10):
        at = now_ns - age * SECOND_NS
        await served.store(*(disk(name, 1.0, time=at) for name in HOSTILE))
        await served.store(*(net(name, received=GIB, sent=GIB, time=at) for name in HOSTILE))
    served.publish("disk", *(disk(name, 1.0) for name in HOSTILE))
    dialogs: list[str] = []
    async with page_of(browser, served) as page:
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await expect(page.locator('[data-card="disk"] bdi')).to_have_text(list(HOSTILE))
        served.publish("net", *(net(name, received=2 * GIB, sent=GIB) for name in HOSTILE))
        served.publish("diskio", *(diskio(name, read=GIB, written=GIB) for name in HOSTILE))
        await expect(page.locator('[data-card="diskio"] bdi')).to_have_text(list(HOSTILE))
        await expect(page.locator('[data-card="net"] bdi')).to_have_text(list(HOSTILE))
        await expect(page.locator('[data-chart="disk"] .legend bdi')).to_have_text(sorted(HOSTILE))
        await page.locator('[data-chart="disk"] summary').click()
        await expect(page.locator('[data-chart="disk"] thead bdi')).to_have_text(sorted(HOSTILE))
        assert await page.locator("main img, main script").count() == 0
    assert dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_theme_follows_the_system_until_one_is_chosen(
    browser: Browser, served: ServedAgent, scheme: str
) -> None:
    async with page_of(browser, served, color_scheme=scheme) as page:
        background = "getComputedStyle(document.body).backgroundColor"
        colours = {"light": "rgb(245, 246, 248)", "dark": "rgb(15, 20, 27)"}
        assert await page.evaluate(background) == colours[scheme]
        button = page.locator("#theme")
        await expect(button).to_have_text("◐Theme: system")
        for theme in ("light", "dark"):
            await button.press("Enter")
            await expect(button).to_contain_text(f"Theme: {theme}")
            assert await page.evaluate(background) == colours[theme]
        await page.reload()
        await expect(button).to_contain_text("Theme: dark")
        assert await page.evaluate(background) == colours["dark"]
        await expect_live(page)
