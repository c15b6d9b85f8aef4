"""Availability of streams for programs."""

import csv
import io

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent
from tests.tsmon_agent.web.streams.known_instrument import NAME, START, known

__all__ = ["known"]

COLORS = {
    "Not Expected": {"color": "#ffffff"},
    "Present": {"color": "#5cb85c"},
    "Sparsity Level 1": {"color": "#7bcb7b"},
    "Sparsity Level 2": {"color": "#90d890"},
    "Sparsity Level 3": {"color": "#ace9ac"},
    "Missing": {"color": "#d9534d"},
}


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


async def test_times_are_whole_seconds_unless_exact_ones_are_requested(known: ServedAgent) -> None:
    window = f"method=streamed&start_time={START}.25&stop_time={START + 3}"
    found = [
        (await known.get_json(f"/available/{NAME}?{window}{times}"))["availability"][1]["data"]
        for times in ("", "&times=exact")
    ]
    assert found == [
        [["2023-11-14 22:13:20", "Present", "2023-11-14 22:13:23"]],
        [["2023-11-14 22:13:20.250", "Present", "2023-11-14 22:13:23"]],
    ]
    text = await known.get_text(f"/available/{NAME}?{window}&format=csv")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["start"], row["end"]) == ("2023-11-14 22:13:20.250", "2023-11-14 22:13:23")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/available/none", 404, "There is no instrument of this reference designator."),
        (
            f"/available/{NAME}?method=none",
            404,
            "The instrument has no such stream; /instrument lists its streams.",
        ),
        (f"/available/{NAME}?start_time=never", 400, "The parameter start_time is wrong: 'never' is not a time; "),
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
