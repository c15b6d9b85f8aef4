"""Visits of an agent's pages, which fail if the page logs anything or requests anything from elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

from tests.services.browser import visiting
from tests.tsmon_agent.web.served_agent import ServedAgent

__all__ = ["expect_live", "module", "page_of"]


@asynccontextmanager
async def page_of(browser: Browser, served: ServedAgent, path: str = "/", **context: Any) -> AsyncIterator[Page]:
    """The page at ``path``, live."""
    async with visiting(browser, served.address + path, **context) as visit:
        await expect_live(visit.page)
        yield visit.page
        assert visit.complaints == []
        assert {urlsplit(url).netloc for url in visit.asked} == {urlsplit(served.address).netloc}


async def expect_live(page: Page) -> None:
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
