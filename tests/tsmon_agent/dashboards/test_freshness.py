"""What the dashboard of freshness shows of streams whose states are known."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.grafana.dashboards import queries, variables
from tests.grafana.interpolation import ALL, Range, fill_in
from tests.services.influxdb import InfluxDB
from tsmon.line_protocol import Tag, encode
from tsmon.points import Point, StreamFreshness
from tsmon_agent.dashboards.freshness import COLORS
from tsmon_agent.dashboards.freshness_flux import KNOWN_FOR, NOT_KNOWN
from tsmon_agent.streams.freshness.rounds import HEARTBEAT_NS
from tsmon_agent.streams.freshness.statuses import FreshnessStatus

MINUTE: Final = 60 * 1_000_000_000
START_NS: Final = 1_750_000_020 * 1_000_000_000
SPAN: Final = Range(START_NS, START_NS + 360 * MINUTE)
STYLE: Final = Path(__file__).parents[3] / "tsmon_agent/web/static/tsmon.css"
QUERIES: Final = {title: query for name, title, query in queries() if name == "freshness.json"}

Show = Callable[..., list[dict[str, Any]]]


class Rated(Point, measurement="stream_freshness"):
    """A point of freshness with rates."""

    reference_designator: Tag[str]
    method: Tag[str]
    stream: Tag[str]
    state: str
    level: int
    age: float
    rate: float
    expected_rate: float


@pytest.fixture
def show(influxdb: InfluxDB, bucket: str) -> Show:
    """Writes points, and gives the rows of a panel."""

    def shown(title: str, *points: Point, span: Range = SPAN) -> list[dict[str, Any]]:
        if points:
            answer = influxdb.write(b"\n".join(map(encode, points)), bucket)
            assert answer.status == 204, answer.text
        declared = variables("freshness.json")
        everything: dict[str, str | list[str]] = {str(one["name"]): ALL for one in declared}
        sent = fill_in(QUERIES[title], declared, everything, span, bucket=bucket, organization=influxdb.org)
        return influxdb.flux(sent)

    return shown


def told(minute: float, level: FreshnessStatus, age: float | None = 1.0, stream: str = "ctd") -> StreamFreshness:
    return StreamFreshness(
        reference_designator="CE01ISSM-MFD37-03-CTDBPC000",
        method="streamed",
        stream=stream,
        state=level.label,
        level=int(level),
        age=age,
        time=START_NS + round(minute * MINUTE),
    )


def drawn(rows: list[dict[str, Any]]) -> list[tuple[float, Any]]:
    """Minutes of the range, and what begins there."""
    return [((row["_time"].timestamp() * 1e9 - START_NS) / MINUTE, row["_value"]) for row in rows]


def hourly(first: int, level: FreshnessStatus) -> list[StreamFreshness]:
    return [told(minute, level) for minute in range(first, 360, 60)]


def test_a_state_is_carried_into_the_range_and_lasts_until_the_next(show: Show) -> None:
    points = (
        told(-50, FreshnessStatus.FAILED),
        told(-30, FreshnessStatus.OPERATIONAL),
        told(20, FreshnessStatus.DEGRADED),
        told(80, FreshnessStatus.FAILED),
    )
    assert drawn(show("Status", *points, span=Range(START_NS, START_NS + 90 * MINUTE))) == [
        (0, "operational"),
        (20, "degraded"),
        (80, "failed"),
    ]


def test_a_state_told_as_the_range_begins_is_drawn_once(show: Show) -> None:
    points = told(-30, FreshnessStatus.FAILED), told(0, FreshnessStatus.OPERATIONAL)
    assert drawn(show("Status", *points, span=Range(START_NS, START_NS + 60 * MINUTE))) == [(0, "operational")]


def test_no_state_is_known_while_the_agent_was_away(show: Show) -> None:
    """Neither between two points, nor after the last, nor long after one before the range."""
    points = [told(minute, FreshnessStatus.OPERATIONAL) for minute in (-76, 30, 90)]
    points.append(told(200, FreshnessStatus.FAILED))
    assert drawn(show("Status", *points)) == [
        (30, "operational"),
        (90, "operational"),
        (165, NOT_KNOWN),
        (200, "failed"),
        (275, NOT_KNOWN),
    ]


def test_a_state_that_ends_within_the_range_was_told_before_it(show: Show) -> None:
    assert drawn(show("Status", told(-60, FreshnessStatus.FAILED))) == [(0, "failed"), (15, NOT_KNOWN)]


def test_rounds_every_hour_leave_no_gap(show: Show) -> None:
    rows = drawn(show("Status", *hourly(-20, FreshnessStatus.FAILED)))
    assert rows == [(0, "failed"), *((minute, "failed") for minute in range(40, 360, 60))]
    assert KNOWN_FOR == "75m"
    assert HEARTBEAT_NS < 75 * MINUTE < 2 * HEARTBEAT_NS


def test_the_line_of_ages_breaks_where_none_is_known(show: Show) -> None:
    points = (
        told(-10, FreshnessStatus.OPERATIONAL, 5.0),
        told(50, FreshnessStatus.FAILED, 900.0),
        told(300, FreshnessStatus.FAILED, None),
    )
    assert drawn(show("Age of the newest datum", *points)) == [(0, 5.0), (50, 900.0), (125, None)]


def test_a_changed_state_shows_in_counts_and_table(show: Show) -> None:
    show(
        "Streams", *hourly(-20, FreshnessStatus.OPERATIONAL), told(350, FreshnessStatus.OPERATIONAL, stream="adcp")
    )
    assert counts(show) == {"Operational": 2, "Degraded": 0, "Failed": 0, "Silent host": 0, "Not tracked": 0}
    show("Streams", told(355, FreshnessStatus.FAILED, 4000.0))
    assert counts(show) == {"Operational": 1, "Degraded": 0, "Failed": 1, "Silent host": 0, "Not tracked": 0}
    assert [row["_value"] for row in show("Streams")] == [2]
    rows = show("Status now")
    assert [(row["stream"], row["state"], row["age"]) for row in rows] == [
        ("ctd", "failed", 4000.0),
        ("adcp", "operational", 1.0),
    ]


def test_what_was_told_too_long_ago_is_no_state_of_now(show: Show) -> None:
    assert not show("Status now", told(360 - 76, FreshnessStatus.FAILED))
    assert not show("Streams")
    assert not show("Failed")
    assert show("Status now", told(360 - 74, FreshnessStatus.FAILED))
    assert counts(show)["Failed"] == 1


def test_the_worst_stands_first(show: Show) -> None:
    points = [told(350, level, float(level), stream=level.name) for level in FreshnessStatus]
    older = told(340, FreshnessStatus.DEGRADED, 99.0, stream="older")
    rows = show("Status now", *points, older)
    states = ", ".join(row["state"] for row in rows)
    assert states == "silent host, failed, degraded, degraded, operational, not tracked"
    assert [row["stream"] for row in rows][2:4] == ["older", "DEGRADED"]


def test_an_age_belongs_to_the_newest_point(show: Show) -> None:
    """A stream of which nothing is there any more has none."""
    [row] = show("Status now", told(340, FreshnessStatus.FAILED, 7.0), told(350, FreshnessStatus.FAILED, None))
    assert (row["age"], row["reported"].timestamp()) == (None, (START_NS + 350 * MINUTE) / 1e9)


def test_rates_are_shown_where_they_are_there(show: Show) -> None:
    [row] = show("Status now", told(340, FreshnessStatus.OPERATIONAL))
    assert (row["rate"], row["expected_rate"], row["share"]) == (None, None, None)
    rated = Rated(
        reference_designator="CE01ISSM-MFD37-03-CTDBPC000",
        method="streamed",
        stream="rated",
        state="degraded",
        level=2,
        age=1.0,
        rate=0.5,
        expected_rate=2.0,
        time=START_NS + 350 * MINUTE,
    )
    rows = show("Status now", rated)
    assert [(row["stream"], row["rate"], row["expected_rate"], row["share"]) for row in rows] == [
        ("rated", 0.5, 2.0, 0.25),
        ("ctd", None, None, None),
    ]


def test_a_range_that_ends_in_the_future_shows_what_is_known_now(show: Show) -> None:
    now_ns = time.time_ns()
    minute = (now_ns - START_NS) / MINUTE - 5
    span = Range(now_ns - 60 * MINUTE, now_ns + 600 * MINUTE)
    [row] = show("Status now", told(minute, FreshnessStatus.DEGRADED), span=span)
    assert row["state"] == "degraded"
    assert [row["_value"] for row in show("Status", span=span)] == ["degraded"]


def test_every_state_has_a_colour_of_the_pages() -> None:
    assert set(COLORS) == {*(level.label for level in FreshnessStatus), NOT_KNOWN}
    assert len(set(COLORS.values())) == len(COLORS)
    light = STYLE.read_text(encoding="utf-8").partition("@media")[0]
    assert set(COLORS.values()) <= set(re.findall(r"#[0-9a-f]{6}", light))


def counts(show: Show) -> dict[str, int]:
    """What the panels say that count the streams of a state."""
    titles = [level.label.capitalize() for level in FreshnessStatus]
    return {title: row["_value"] for title in titles for row in show(title)}
