"""The pipeline's page in a real browser."""

import re
import time

from playwright.async_api import Browser, expect

from tests.tsmon_agent.web.pages_in_browser import page_of
from tests.tsmon_agent.web.served_agent import ServedAgent, cpu


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
