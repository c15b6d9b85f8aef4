"""Availability of streams over HTTP, for programs and on pages."""

import csv
import io
import time

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.tsmon_agent.web.pages_in_browser import page_of
from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

S = 1_000_000_000
NAME = "CE01ISSM-MFD37-03-CTDBPC000"
START = 1_700_000_000
EXPECTED = f"{NAME},streamed,ctd,0.1,60,600\n{NAME},recovered,ctd,0.1,60,600\nGP03-X,streamed,flow,,,\n"
DEPLOYED = f"{NAME},1,{START},{START + 100_000}\n{NAME},2,{START + 150_000},{START + 250_000}\n"
COLORS = {
    "Not Expected": {"color": "#ffffff"},
    "Present": {"color": "#5cb85c"},
    "Sparsity Level 1": {"color": "#7bcb7b"},
    "Sparsity Level 2": {"color": "#90d890"},
    "Sparsity Level 3": {"color": "#ace9ac"},
    "Missing": {"color": "#d9534d"},
}


@pytest.fixture
async def known(served: ServedAgent) -> ServedAgent:
    """Two deployments; in the first all data of one stream are there, in the second there is an outage."""
    state = served.context.state
    await state.open()
    await state.run(lambda s: load_streams(s, parse_stream_csv(EXPECTED, Settings(), source="expected")))
    await state.run(lambda s: load_deployments(s, parse_deployment_csv(DEPLOYED, source="deployed")))
    seconds = [*range(0, 100_000, 10), *range(150_000, 200_000, 10), *range(210_000, 250_000, 10)]
    lines = [f"ctd,reference_designator={NAME},method=streamed value=1 {(START + n) * S}" for n in seconds]
    await served.context.store.write("\n".join(lines).encode())
    return served


async def test_availability_is_json_as_it_is_agreed_on(known: ServedAgent) -> None:
    found = await known.get_json(f"/available/{NAME}")
    assert list(found) == ["availability"]
    deployments, recovered, streamed = found["availability"]
    assert deployments == {
        "measure": "Deployments",
        "categories": {"Deployment: 1": {"color": "#0073cf"}, "Deployment: 2": {"color": "#0073cf"}},
        "data": [
            ["2023-11-14 22:13:20", "Deployment: 1", "2023-11-16 02:00:00"],
            ["2023-11-16 15:53:20", "Deployment: 2", "2023-11-17 19:40:00"],
        ],
    }
    assert streamed == {
        "measure": "streamed ctd",
        "categories": COLORS,
        "data": [
            ["2023-11-14 22:13:20", "Present", "2023-11-16 02:00:00"],
            ["2023-11-16 02:00:00", "Not Expected", "2023-11-16 15:53:20"],
            ["2023-11-16 15:53:20", "Present", "2023-11-17 05:46:30"],
            ["2023-11-17 05:46:30", "Missing", "2023-11-17 08:33:20"],
            ["2023-11-17 08:33:20", "Present", "2023-11-17 19:40:00"],
        ],
    }
    assert [row[1] for row in recovered["data"]] == ["Missing", "Not Expected", "Missing"]


async def test_filters_times_and_rules(known: ServedAgent) -> None:
    window = f"start_time=2023-11-17T00:00:00Z&stop_time={START + 250_000}"
    found = await known.get_json(f"/available/{NAME}?method=streamed&stream=ctd&{window}&gap_fraction=0.5")
    assert [one["measure"] for one in found["availability"]] == ["Deployments", "streamed ctd"]
    # What is no gap any more makes its day's data sparser.
    assert found["availability"][1]["data"] == [["2023-11-17 00:00:00", "Sparsity Level 1", "2023-11-17 19:40:00"]]


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/available/none", 404, "There is no instrument of this reference designator."),
        (
            f"/available/{NAME}?method=none",
            404,
            "The instrument has no such stream; /instrument lists its streams.",
        ),
        (f"/available/{NAME}?start_time=never", 400, "The parameter start_time is wrong: 'never' is no time; "),
        (f"/available/{NAME}?start_time=2024-01-02&stop_time=2024-01-01", 400, "The range ends before it starts"),
        (f"/available/{NAME}?preset=none", 400, "The parameter preset must be exact or bins."),
        (f"/available/{NAME}?gap_fraction=2", 400, "Gap_fraction is 2"),
        (f"/available/{NAME}?strem=x", 400, "There is an unknown parameter; this address takes "),
    ],
)
async def test_mistakes_have_the_right_status_and_one_sentence(
    known: ServedAgent, path: str, status: int, sentence: str
) -> None:
    found = await known.get_json(path, status)
    assert found["error"].startswith(sentence)


async def test_the_same_as_csv(known: ServedAgent) -> None:
    rows = list(csv.DictReader(io.StringIO(await known.get_text(f"/available/{NAME}?method=streamed&format=csv"))))
    assert [(row["category"], row["points"], row["mean_separation"]) for row in rows] == [
        ("Present", "10000", "10"),
        ("Not Expected", "0", ""),
        ("Present", "5000", "10"),
        ("Missing", "0", ""),
        ("Present", "4000", "10"),
    ]


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
