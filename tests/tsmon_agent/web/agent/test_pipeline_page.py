"""The pipeline's page, from the server and in a real browser."""

import re
import time

from playwright.async_api import Browser, expect

from tests.tsmon_agent.web.pages_in_browser import page_of
from tests.tsmon_agent.web.served_agent import ServedAgent, cpu, eventually


async def test_the_pipeline_page_shows_the_accounting(served: ServedAgent) -> None:
    await served.store(*(cpu(float(i), time=i) for i in range(1_234)))
    await eventually(lambda: served.context.monitor.counts.pending == 0)
    page = await served.get_text("/pipeline")
    assert '<dd class="total-value" data-count="written">1,234</dd>' in page
    assert str(served.context.store) in page
    for state in served.context.sampling.health:
        assert f'<tr data-sampler="{state.name}">' in page
    assert page.count('<span class="state" data-state="waiting">') >= len(served.context.sampling.health)


async def test_the_pipeline_as_json_adds_up(served: ServedAgent) -> None:
    await served.store(cpu(1.0))
    p = await served.get_json("/api/pipeline")
    assert p["accepted"] == p["written"] == 1
    assert p["accepted"] + p["recovered"] == p["written"] + p["pending"] + p["dropped"]
    assert [sampler["name"] for sampler in p["samplers"]] == [s.name for s in served.context.sampling.health]


async def test_the_accounting_is_live(browser: Browser, served: ServedAgent) -> None:
    async with page_of(browser, served, "/pipeline") as page:
        await expect(page.locator("#ready")).to_have_text(re.compile("not ready"))
        await expect(page.locator("#reasons")).to_contain_text("no point has reached the store yet")
        await served.store(*(cpu(1.0, time=i) for i in range(1_234)))
        served.context.sampling.health[0].last_success_ns = time.time_ns()
        await expect(page.locator('[data-count="written"]')).to_have_text("1,234")
        await expect(page.locator("#ready")).to_have_text(re.compile("^✓\\s*ready$"))
        await expect(page.locator("#reasons li")).to_have_count(0)


async def test_a_sampler_that_fails_is_shown_with_its_error(browser: Browser, served: ServedAgent) -> None:
    state = served.context.sampling.health[0]
    async with page_of(browser, served, "/pipeline") as page:
        row = page.locator(f'[data-sampler="{state.name}"]')
        await expect(row.locator('[data-cell="state"]')).to_have_text(re.compile("waiting"))
        state.failing, state.errors, state.rounds, state.last_error = True, 3, 4, "/proc/<b>stat</b> is gone"
        await expect(row.locator('[data-cell="state"]')).to_have_text(re.compile("✗\\s*failing"))
        await expect(row.locator('[data-cell="error"]')).to_have_text("/proc/<b>stat</b> is gone")
        await expect(row.locator('[data-cell="errors"]')).to_have_text("3")
