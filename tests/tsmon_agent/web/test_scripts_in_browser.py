"""Parts of the scripts, run where they run."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.tsmon_agent.web.pages_in_browser import module, page_of
from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent import formatting


async def test_server_and_scripts_word_numbers_alike(browser: Browser, served: ServedAgent) -> None:
    numbers = [
        0,
        1,
        999,
        1_000,
        1_023,
        1_024,
        10_000,
        102_349,
        10**6,
        123_456_789,
        999.6 * 2**20,
        7 * 2**40,
        3 * 2**60,
    ]
    times = [0.00012, 0.0456, 0.99, 1.0, 10.0, 12.346, 3_600.0]
    async with page_of(browser, served) as page:
        assert await module(page, "formatting.js", "x.map(m.formatSize)", numbers) == [
            formatting.size(n) for n in numbers
        ]
        assert await module(page, "formatting.js", "x.map(m.formatSeconds)", times) == [
            formatting.seconds(t) for t in times
        ]
        assert await module(page, "formatting.js", "x.map(m.formatCount)", numbers[:-2]) == [
            formatting.count(n) for n in numbers[:-2]
        ]


async def test_axes_leave_out_needless_digits(browser: Browser, served: ServedAgent) -> None:
    numbers = [0, 512, 1_024, 1_536, 10 * 2**20, 100 * 2**30]
    async with page_of(browser, served) as page:
        words = await module(page, "formatting.js", "x.map(m.AXIS['bytes/s'])", numbers)
    assert [word.replace("\xa0", " ") for word in words] == [
        "0",
        "512 B/s",
        "1 KiB/s",
        "1.5 KiB/s",
        "10 MiB/s",
        "100 GiB/s",
    ]


ANSWER = {
    "times": [0, 10, 20],
    "stop": 25,
    "gap": 15,
    "overlap": 5,
    "omitted": 0,
    "series": [
        {"id": "a:", "part": "a", "owner": "", "values": [1, None, 3]},
        {"id": "b:", "part": "b", "owner": "", "values": [10, 20, 30]},
    ],
}


@pytest.mark.parametrize(
    ("steps", "times", "a", "unknown"),
    [
        pytest.param([[30, {"a:": 4}]], [0, 10, 20, 30], [1, None, 3, 4], False, id="a round is appended"),
        pytest.param([[60, {"a:": 4}]], [0, 10, 20, 40, 60], [1, None, 3, None, 4], False, id="a gap stays one"),
        pytest.param(
            [[20, {"a:": 4}], [5, {"a:": 4}]], [0, 10, 20], [1, None, 3], False, id="old rounds are known"
        ),
        pytest.param([[30, {"c:": 4}]], [0, 10, 20, 30], [1, None, 3, None], True, id="a new series is noticed"),
    ],
)
async def test_rounds_are_appended(
    browser: Browser,
    served: ServedAgent,
    steps: list[Any],
    times: list[float],
    a: list[float | None],
    unknown: bool,
) -> None:
    async with page_of(browser, served) as page:
        found = await module(
            page,
            "chart_values.js",
            """(() => {
                const values = new m.ChartValues();
                values.replace(x.answer);
                const unknown = x.steps.map(([time, round]) => values.append(time, round));
                return { times: values.times, a: values.series[0].values, unknown: unknown.at(-1) };
            })()""",
            {"answer": ANSWER, "steps": steps},
        )
    assert found == {"times": times, "a": a, "unknown": unknown}


async def test_a_new_answer_keeps_the_rounds_that_it_does_not_hold(browser: Browser, served: ServedAgent) -> None:
    async with page_of(browser, served) as page:
        found = await module(
            page,
            "chart_values.js",
            """(() => {
                const values = new m.ChartValues();
                values.replace(structuredClone(x));
                for (const time of [24, 34, 44]) values.append(time, { "a:": time, "b:": 0 });
                values.replace(x);
                return { times: values.times, a: values.series[0].values };
            })()""",
            ANSWER,
        )
    assert found == {"times": [0, 10, 20, 34, 44], "a": [1, None, 3, 34, 44]}


async def test_stacked_values_are_summed_up_and_gaps_stay(browser: Browser, served: ServedAgent) -> None:
    async with page_of(browser, served) as page:
        columns = await module(
            page,
            "chart_values.js",
            "(() => { const v = new m.ChartValues(); v.replace(x); return v.columns(true); })()",
            ANSWER,
        )
    assert columns == [[0, 10, 20], [1, None, 3], [11, None, 33]]


async def test_a_hidden_page_draws_nothing_until_it_is_seen(browser: Browser, served: ServedAgent) -> None:
    async with page_of(browser, served) as page:
        drawn = await module(
            page,
            "frames.js",
            """(async () => {
                let drawn = 0;
                const work = () => { drawn += 1; };
                const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                let hidden = true;
                Object.defineProperty(document, "hidden", { get: () => hidden });
                for (let i = 0; i < 5; i += 1) m.onNextFrame(work);
                await frame();
                const before = drawn;
                hidden = false;
                document.dispatchEvent(new Event("visibilitychange"));
                await frame();
                return [before, drawn];
            })()""",
        )
    assert drawn == [0, 1]
