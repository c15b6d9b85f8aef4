"""Visits of an agent's pages, which fail when the page complains of anything or asks anybody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

from tests.services.browser import visiting
from tests.tsmon_agent.web.hosts import Shown

__all__ = ["module", "page_of", "reported_live"]


@asynccontextmanager
async def page_of(browser: Browser, shown: Shown, path: str = "/", **context: Any) -> AsyncIterator[Page]:
    """The page at ``path``, live."""
    async with visiting(browser, shown.address + path, **context) as visit:
        await reported_live(visit.page)
        yield visit.page
        assert visit.complaints == []
        assert {urlsplit(url).netloc for url in visit.asked} == {urlsplit(shown.address).netloc}


async def reported_live(page: Page) -> None:
    await expect(page.locator("#live")).to_have_text("live")


async def module(page: Page, name: str, expression: str, argument: Any = None) -> Any:
    """Value of an expression over a script's exports (``m``) and ``argument`` (``x``), in the page."""
    return await page.evaluate(
        f"""async (x) => {{
            const home = document.querySelector('script[type="module"]').src;
            const m = await import(new URL({name!r}, home));
            return {expression};
        }}""",
        argument,
    )
