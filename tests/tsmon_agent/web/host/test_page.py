import html
import re
import time

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent, cpu, disk, net
from tsmon.errors import StoreUnavailableError
from tsmon.time_units import SECOND_NS
from tsmon_agent.web.host.chart_ranges import RANGES
from tsmon_agent.web.host.charts import CHARTS

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script>",
    "a'b&amp;c",
    "\u202eevil\u202d",
    "{{7*7}}",
]


async def test_the_host_page_shows_figures_of_the_newest_rounds(served: ServedAgent) -> None:
    served.publish_all(busy=12.5)
    page = (await served.get_text("/")).replace("\xa0", " ")
    for words in ("athena", "12.5 %", "37.5 %", "0.25", "91.5 %", "1 d 2 h", "1,234 threads"):
        assert words in page, words
    assert "<bdi>/home</bdi>" in page
    assert re.search(r'id="worst">.*data-state="high"', page)


async def test_a_sampler_without_a_round_yet_has_no_figures_and_says_so(served: ServedAgent) -> None:
    page = await served.get_text("/")
    assert page.count("no value yet") == 9
    assert 'class="figure"' in page.partition('<template id="figure">')[2]


async def test_a_figure_that_is_old_is_called_stale(served: ServedAgent) -> None:
    served.publish("cpu", cpu(99.9), time_ns=time.time_ns() - 3_600 * SECOND_NS)
    page = await served.get_text("/")
    assert 'data-name="CPU" data-state="stale"' in page


async def test_rates_at_a_glance_come_from_the_store(served: ServedAgent) -> None:
    now_ns = time.time_ns()
    earlier, later = (
        net("eth0", received=1_024 * second, sent=0, time=now_ns - (20 - second) * SECOND_NS) for second in (0, 10)
    )
    await served.store(earlier, later)
    served.publish("net", later)
    page = (await served.get_text("/")).replace("\xa0", " ")
    assert re.search(r"↓ 1\.\d\d KiB/s  ↑ 0 B/s", page), page


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_are_text(served: ServedAgent, name: str) -> None:
    served.publish("disk", disk(name, 1.0))
    served.publish("net", net(name, received=1, sent=1))
    page = await served.get_text("/")
    assert html.escape(name) in page.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    if "<" in name:
        assert f">{name}<" not in page
        assert f'"{name}"' not in page


@pytest.mark.parametrize("name", RANGES)
async def test_a_range_is_chosen_by_the_address(served: ServedAgent, name: str) -> None:
    page = await served.get_text(f"/?range={name}")
    assert re.findall(r'data-range="(\w+)"[^>]*aria-current="true"', page) == [name]


async def test_an_unknown_range_is_refused_with_what_there_is(served: ServedAgent) -> None:
    page = await served.get_text("/?range=%3Cb%3E", 400)
    assert "<h1>The parameter range must be one of 15m, 1h, 6h, 24h, 7d, 30d.</h1>" in page


@pytest.mark.parametrize("chart", CHARTS)
async def test_every_chart_has_its_values(served: ServedAgent, chart: str) -> None:
    data = await served.get_json(f"/api/host/series?range=1h&chart={chart}")
    assert data["chart"] == chart


async def test_values_of_a_chart_are_rows_of_milliseconds_and_numbers(served: ServedAgent) -> None:
    now_ns = time.time_ns()
    await served.store(cpu(30.0, time=now_ns - 20 * SECOND_NS), cpu(60.0, time=now_ns - 10 * SECOND_NS))
    data = await served.get_json("/api/host/series?range=15m&chart=cpu")
    assert data["series"][0] == {"id": "user:", "part": "user", "owner": "", "values": [20.0, 40.0]}
    assert len(data["times"]) == 2
    assert abs(data["stop"] - now_ns / 1e6) < 60_000


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("chart=nothing", "The parameter chart must be one of cpu, memory, load, disk, diskio, net."),
        ("chart=cpu&range=2h", "The parameter range must be one of 15m, 1h, 6h, 24h, 7d, 30d."),
        ("", "The parameter chart must be one of cpu, memory, load, disk, diskio, net."),
    ],
)
async def test_a_wrong_parameter_is_answered_with_a_sentence(
    served: ServedAgent, query: str, sentence: str
) -> None:
    assert await served.get_json(f"/api/host/series?{query}", 400) == {"error": sentence}


async def test_a_store_that_does_not_answer_is_reported(
    served: ServedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def series(*_: object, **__: object) -> None:
        raise StoreUnavailableError("InfluxDB at http://x does not answer")

    monkeypatch.setattr(served.context.store, "series", series)
    answer = await served.get_json("/api/host/series?chart=cpu", 503)
    assert answer == {"error": "The store does not answer: InfluxDB at http://x does not answer."}
    served.publish("net", net("eth0", received=1, sent=1))
    assert "unavailable" in await served.get_text("/")
