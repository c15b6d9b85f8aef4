"""The chart that notebooks show, in a browser."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.services.browser import running, visiting
from tsmon import AvailabilityError
from tsmon.availability import (
    APPEARANCES,
    EXACT,
    Category,
    Deployment,
    Report,
    compute_availability,
    reports_to_html,
)
from tsmon.availability.chart.html import MOST_LISTED

S = 1_000_000_000
START_NS = 1_700_000_000 * S
HOUR_NS = 3_600 * S
EXPECTED = [
    Deployment(1, START_NS, START_NS + 500 * HOUR_NS),
    Deployment(2, START_NS + 510 * HOUR_NS, START_NS + 1_000 * HOUR_NS),
]
EVIL = "<script>alert(1)</script>\x1b[31m&\"'"


def report(name: str = "hourly", hours: int = 1_000) -> Report:
    times = [START_NS + hour * HOUR_NS for hour in range(hours) if not 100 <= hour < 150]
    return compute_availability(times, EXPECTED, replace(EXACT, period_ns=HOUR_NS), name=name)


class Elements(HTMLParser):
    """Checks that elements are nested, and keeps titles and addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]
        if tag not in ("line", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.titles.append(data)


def test_each_interval_has_a_text_for_the_pointer_and_a_row_in_the_table() -> None:
    html = report()._repr_html_()
    found = Elements(html)
    assert found.titles == [
        "Deployment 1\n2023-11-14 22:13:20 to 2023-12-05 18:13:20 UTC",
        "Deployment 2\n2023-12-06 04:13:20 to 2023-12-26 14:13:20 UTC",
        "Present\n2023-11-14 22:13:20 to 2023-11-19 01:13:20 UTC\n100 points",
        "Missing\n2023-11-19 01:13:20 to 2023-11-21 04:13:20 UTC\n0 points",
        "Present\n2023-11-21 04:13:20 to 2023-12-05 18:13:20 UTC\n350 points",
        "Not Expected\n2023-12-05 18:13:20 to 2023-12-06 04:13:20 UTC\n10 points",
        "Present\n2023-12-06 04:13:20 to 2023-12-26 14:13:20 UTC\n490 points",
    ]
    assert found.links == []
    assert html.count("<tr>") == 1 + 5
    assert "hourly: 5 intervals" in html
    for look in APPEARANCES:
        assert look.name in html


def test_names_are_text() -> None:
    html = report(EVIL)._repr_html_()
    Elements(html)
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_of_many_short_intervals_no_gap_is_lost_and_the_rest_of_the_table_is_counted() -> None:
    times = [START_NS + n * S for n in range(100_000) if n % 10 not in (3, 4, 5)]
    expected = [Deployment(1, START_NS, START_NS + 10_000_000 * S)]
    found = compute_availability(times, expected, replace(EXACT, period_ns=S, gap_fraction=1e-9))
    html = found._repr_html_()
    assert len(found.intervals) > 10_000
    assert html.count("<rect") < 2_200
    assert re.search(r"\d+ short intervals\n[^<]*\nPresent, Missing<", html)
    assert (
        f"and {len(found.intervals) - MOST_LISTED:,} more; tsmon.frames.to_pandas(report) has all of them" in html
    )
    assert html.count("<tr>") == 1 + MOST_LISTED


def test_without_anything_expected_it_is_a_sentence() -> None:
    html = compute_availability([], [], name="<a>")._repr_html_()
    assert html == "<p>&lt;a&gt;: nothing is expected at any time</p>"


def test_without_reports_it_is_refused() -> None:
    with pytest.raises(AvailabilityError, match="at least one"):
        reports_to_html([])


async def test_a_browser_shows_the_rows_below_one_another(tmp_path: Path) -> None:
    file = tmp_path / "chart.html"
    file.write_text(reports_to_html([report("first"), report("second", 600)]), encoding="utf-8")
    async with running() as browser, visiting(browser, file.as_uri()) as visit:
        page = visit.page
        boxes = [
            await page.locator("svg text", has_text=name).bounding_box()
            for name in ("Deployments", "first", "second")
        ]
        tops = [box["y"] for box in boxes if box]
        assert tops == sorted(tops)
        assert len(tops) == 3
        missing = page.locator("rect", has=page.locator("title", has_text="Missing")).first
        box = await missing.bounding_box()
        assert box is not None
        assert box["width"] > 20
        assert await missing.get_attribute("fill") == APPEARANCES[Category.MISSING].color
        await page.locator("summary", has_text="first").press("Enter")
        assert await page.locator("details[open] td", has_text="2023-11-19 01:13:20").first.is_visible()
        assert visit.complaints == []
        assert visit.asked == {file.as_uri()}
