"""Streams with few points in a deployment: the pages, /available and the command show the same intervals."""

import csv
import io
import re

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

S = 1_000_000_000
START = 1_700_000_000
EXPECTED = (
    "GP03-A,m,own,,,\nGP03-A,m,known,2.4e-5,,\nGP03-A,m,wrong,1,,\nGP03-B,m,own,,,\nGP03-B,m,known,0.0011,,\n"
)
YEAR, DAYS = 764 * 41_400, 3 * 86_400
DEPLOYED = f"GP03-A,1,{START},{START + YEAR}\nGP03-B,1,{START},{START + DAYS}\n"


async def fill(served: ServedAgent) -> None:
    """A year of 764 points, some days of which are missing, and three days of 288 points."""
    state = served.context.state
    await state.open()
    await state.run(lambda s: load_streams(s, parse_stream_csv(EXPECTED, Settings(), source="expected")))
    await state.run(lambda s: load_deployments(s, parse_deployment_csv(DEPLOYED, source="deployed")))
    seconds = {"GP03-A": [n * 41_400 for n in range(764) if not 400 <= n < 410], "GP03-B": range(0, DAYS, 900)}
    for name, stream in (("GP03-A", "own"), ("GP03-A", "known"), ("GP03-A", "wrong"), ("GP03-B", "own")):
        lines = [
            f"{stream},reference_designator={name},method=m value=1 {(START + n) * S}\n" for n in seconds[name]
        ]
        await served.context.store.write("".join(lines).encode())
    lines = [f"known,reference_designator=GP03-B,method=m value=1 {(START + n) * S}\n" for n in seconds["GP03-B"]]
    await served.context.store.write("".join(lines).encode())


async def intervals(served: ServedAgent, path: str) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in csv.DictReader(io.StringIO(await served.get_text(f"{path}{'&' if '?' in path else '?'}format=csv"))):
        found.setdefault(row["stream"], []).append((row["category"], row["points"], row["isolated_points"]))
    return found


async def test_by_the_expected_rate_or_the_typical_separation(served: ServedAgent) -> None:
    await fill(served)
    gap = [("Present", "400", "0"), ("Missing", "0", "0"), ("Present", "354", "0")]
    found = await intervals(served, "/available/GP03-A")
    assert {name: rows for name, rows in found.items() if name != "wrong"} == {"own": gap, "known": gap}
    # A rate that the stream does not keep: all of its points are isolated.
    assert found["wrong"] == [("Missing", "0", "754")]
    whole = [("Present", "288", "0")]
    assert await intervals(served, "/available/GP03-B") == {"own": whole, "known": whole}
    assert await intervals(served, "/available/GP03-B?preset=exact") == {"own": whole, "known": whole}
    json = await served.get_json("/available/GP03-A?stream=own")
    assert [row[1] for row in json["availability"][1]["data"]] == ["Present", "Missing", "Present"]


async def test_the_page_draws_them_alike(served: ServedAgent) -> None:
    """Also in windows of a day, which long drawings have."""
    await fill(served)
    for name, sentences in {
        "GP03-A": (
            "own: 98.6 % present, 1.4 % missing, 754 points",
            "wrong: 0 % present, 100 % missing, 754 points",
        ),
        "GP03-B": ("own: 100 % present, 0 % missing, 288 points", "known: 100 % present, 0 % missing, 288 points"),
    }.items():
        page = re.sub(r"\s|&nbsp;", " ", await served.get_text(f"/streams/{name}?range=all"))
        for sentence in sentences:
            assert f"m {sentence}" in page
        assert (">0 (754 isolated)<" in page) == (name == "GP03-A")
        assert ("754 isolated points" in page) == (name == "GP03-A")
