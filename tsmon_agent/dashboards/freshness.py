"""Dashboard of expected streams: how fresh they are now, and how fresh they were in the range that is shown."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.common import BigValueColorMode

from tsmon.points import StreamFreshness
from tsmon_agent.dashboards.columns import field, label, tag
from tsmon_agent.dashboards.flux import tag_values
from tsmon_agent.dashboards.fresh_flux import (
    NOT_KNOWN,
    OF_INSTRUMENT,
    OF_SITE,
    age_query,
    count_query,
    states_query,
    table_query,
    total_query,
)
from tsmon_agent.dashboards.panels import (
    colored,
    dashboard,
    from_one,
    named,
    stat,
    state_timeline,
    table,
    time_series,
    values_of,
    variable,
)
from tsmon_agent.streams.freshness.statuses import FreshnessStatus

__all__ = ["COLORS", "build"]

COLORS: Final = {
    FreshnessStatus.SILENT_HOST.label: "#b8447c",
    FreshnessStatus.FAILED.label: "#cf3a31",
    FreshnessStatus.DEGRADED.label: "#d18a1d",
    FreshnessStatus.OPERATIONAL.label: "#17703f",
    FreshnessStatus.NOT_TRACKED.label: "#556070",
    NOT_KNOWN: "#dce1e8",
}
"""Colour of each state, all of them from the pages' stylesheet; a silent host has one of its own here."""

_LABELS: Final = " ".join(label(StreamFreshness, one) for one in ("reference_designator", "method", "stream"))


def build() -> Dashboard:
    """The dashboard."""
    board = dashboard(
        "tsmon-freshness",
        "Freshness",
        "How old the newest data of expected streams are, and the states that follow from it.",
    )
    board.time("now-24h", "now").refresh("1m")
    for part in (_variables, _counts, _now, _over_time):
        part(board)
    return board


def _variables(board: Dashboard) -> None:
    sites = (
        'import "strings"\n'
        + tag_values(StreamFreshness, "reference_designator")
        + '  |> map(fn: (r) => ({_value: strings.split(v: r._value, t: "-")[0]}))\n  |> distinct()\n'
    )
    for name, title, description, query in (
        ("site", "Site", "The first part of reference designators", sites),
        (
            "instrument",
            "Instrument",
            "Reference designators",
            tag_values(StreamFreshness, "reference_designator", where={"reference_designator": OF_SITE}),
        ),
        (
            "stream",
            "Stream",
            "Names of streams",
            tag_values(StreamFreshness, "stream", where={"reference_designator": OF_INSTRUMENT}),
        ),
    ):
        board.with_variable(variable(name, title, description, query, many=True))


def _counts(board: Dashboard) -> None:
    board.with_panel(stat("Streams", "short", "Expected streams whose state is known now.", total_query()))
    for level, description in (
        (FreshnessStatus.OPERATIONAL, "Streams whose newest datum is not older than their warn interval."),
        (FreshnessStatus.DEGRADED, "Streams whose newest datum is older than their warn interval."),
        (
            FreshnessStatus.FAILED,
            "Streams whose newest datum is older than their fail interval, or that never had one.",
        ),
        (FreshnessStatus.SILENT_HOST, "Failed streams from hosts that send nothing new at all."),
        (FreshnessStatus.NOT_TRACKED, "Streams without limits, switched off, or not deployed now."),
    ):
        panel = stat(level.label.capitalize(), "short", description, count_query(level))
        if level >= FreshnessStatus.DEGRADED:
            panel.thresholds(from_one(COLORS[level.label])).color_mode(BigValueColorMode.VALUE)
        board.with_panel(panel)


def _now(board: Dashboard) -> None:
    by = [tag(StreamFreshness, one) for one in ("reference_designator", "method", "stream")]
    state, age = (field(StreamFreshness, one) for one in ("state", "age"))
    panel = table(
        "States now",
        "hertz",
        "The newest state of each stream, the worst first; age and rate are those of the time when it was told.",
        table_query(),
        [*by, state, age, "told", "rate", "expected_rate", "share"],
    )
    names = {by[0]: "instrument", "expected_rate": "expected rate", "share": "rate / expected"}
    units = {age: "s", "told": "dateTimeFromNow", "share": "percentunit"}
    board.with_panel(colored(values_of(named(panel, names), units), state, COLORS).height(12))


def _over_time(board: Dashboard) -> None:
    states = state_timeline(
        "States",
        "Each state lasts until the next is told; where none was told for longer than the agent's hourly round, it "
        "is not known. It reads every point.",
        states_query(),
        COLORS,
    )
    ages = time_series(
        "Age of the newest datum",
        "s",
        "As told at each change and once an hour; the line breaks where it is not known. It reads every point.",
        age_query(),
    )
    board.with_panel(states.display_name(_LABELS).height(12))
    board.with_panel(ages.display_name(_LABELS).span(24))
