"""The real browser: Chromium, headless, as the system has it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.services.required import missing, skip_in_quick_run

__all__ = ["Visit", "chromium", "running", "visiting"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def chromium() -> str:
    """Way to the browser; the test is skipped (or fails) without one."""
    skip_in_quick_run("a browser")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing("there is no Chromium; install it, on Debian by `apt-get install chromium`")
    return path


@asynccontextmanager
async def running() -> AsyncIterator[Browser]:
    """The browser, while the context lasts."""
    path = chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, headless=True, args=list(ARGUMENTS))
        try:
            yield started
        finally:
            await started.close()


class Visit:
    """A page with what it complained of, and whom it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("websocket", lambda socket: self.asked.add(socket.url))


@asynccontextmanager
async def visiting(browser: Browser, url: str, **context: Any) -> AsyncIterator[Visit]:
    """A visit of ``url``, without memory of earlier ones; ``context`` is for playwright's ``new_context``."""
    visitor = await browser.new_context(**context)
    try:
        visit = Visit(await visitor.new_page())
        await visit.page.goto(url)
        yield visit
    finally:
        await visitor.close()
