"""The pages of all instruments and of one."""

import time

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.tsmon_agent.web.pages_in_browser import page_of
from tests.tsmon_agent.web.served_agent import ServedAgent
from tests.tsmon_agent.web.streams.known_instrument import NAME, known
from tsmon_agent.streams.inventory import load_deployments, parse_deployment_csv

__all__ = ["known"]


async def test_all_instruments_by_site_with_search_and_state(known: ServedAgent) -> None:
    await known.context.freshness.run_round(known.context.store)
    page = await known.get_text("/streams")
    assert page.index("CE01ISSM</bdi>") < page.index("GP03</bdi>")
    assert "GP03-X" not in await known.get_text("/streams?search=ctdbpc")
    assert NAME not in await known.get_text("/streams?state=failed")
    assert "No instruments match." in await known.get_text("/streams?state=silent-host")
    assert "must be one of not-tracked" in await known.get_text("/streams?state=bad", 400)


async def test_without_expected_streams_the_page_says_how_to_begin(served: ServedAgent) -> None:
    await served.context.state.open()
    assert "tsmon-agent streams load FILE" in await served.get_text("/streams")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/streams", f"/streams/{NAME}"])
async def test_pages_are_usable_by_everyone(browser: Browser, known: ServedAgent, path: str, scheme: str) -> None:
    await known.context.freshness.run_round(known.context.store)
    async with page_of(browser, known, path, color_scheme=scheme, bypass_csp=True) as page:
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        found = (await Axe().run(page)).response
        violations = [f"{v['id']}: {node['html'][:200]}" for v in found["violations"] for node in v["nodes"]]
        assert violations == []


async def test_a_piece_says_what_it_is_by_pointer_and_by_keys(browser: Browser, known: ServedAgent) -> None:
    async with page_of(browser, known, f"/streams/{NAME}?method=streamed&range=all") as page:
        track = page.locator("svg.track").nth(1)
        await track.focus()
        await page.keyboard.press("Home")
        tip = page.locator("#tip")
        await expect(tip).to_contain_text("Present")
        await expect(tip).to_contain_text("2023-11-14 22:13:20 to 2023-11-16 02:00:00 UTC")
        await expect(tip).to_contain_text("10 s apart on average")
        await page.keyboard.press("Escape")
        await expect(tip).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/streams", f'[data-instrument="{NAME}"] .state'),
        ("/streams", '[data-site="CE01ISSM"] .state'),
        (f"/streams/{NAME}", f'[data-instrument="{NAME}"] .state'),
        (f"/streams/{NAME}", f'[data-stream="{NAME} streamed ctd"] .state'),
    ],
)
async def test_states_change_without_a_reload(browser: Browser, known: ServedAgent, path: str, place: str) -> None:
    deployments = parse_deployment_csv(f"{NAME},3,2024-01-01,\n", source="deployed")
    await known.context.state.run(lambda session: load_deployments(session, deployments))
    await known.context.freshness.run_round(known.context.store)
    async with page_of(browser, known, path) as page:
        state = page.locator(place)
        await expect(state).to_have_text("\N{BALLOT X}failed")
        now = time.time_ns()
        lines = [f"ctd,reference_designator={NAME},method={one} value=1 {now}" for one in ("streamed", "recovered")]
        await known.context.store.write("\n".join(lines).encode())
        await known.context.freshness.run_round(known.context.store)
        await expect(state).to_have_text("\N{CHECK MARK}operational", timeout=15_000)
