"""Dashboard of expected streams: their freshness now, and its history in the time range."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.common import BigValueColorMode

from tsmon.points import StreamFreshness
from tsmon_agent.dashboards.columns import field, label, tag
from tsmon_agent.dashboards.flux import tag_values
from tsmon_agent.dashboards.freshness_flux import (
    NOT_KNOWN,
    OF_INSTRUMENT,
    OF_SITE,
    age_query,
    count_query,
    status_query,
    table_query,
    total_query,
)
from tsmon_agent.dashboards.panels import (
    color_cells,
    dashboard,
    query_variable,
    rename_fields,
    set_units,
    stat,
    state_timeline,
    table,
    threshold_at_one,
    time_series,
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
"""Colour of each status, from the stylesheet of the pages, plus one for a silent host."""

_LABELS: Final = " ".join(label(StreamFreshness, one) for one in ("reference_designator", "method", "stream"))


def build() -> Dashboard:
    """Build the dashboard."""
    board = dashboard(
        "tsmon-freshness",
        "Freshness",
        "Age of the newest data of expected streams, and the statuses that follow from it.",
    )
    board.time("now-24h", "now").refresh("1m")
    for part in (_add_variables, _add_counts, _add_current_statuses, _add_history):
        part(board)
    return board


def _add_variables(board: Dashboard) -> None:
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
        board.with_variable(query_variable(name, title, description, query, many=True))


def _add_counts(board: Dashboard) -> None:
    board.with_panel(stat("Streams", "short", "Expected streams whose status is known now.", total_query()))
    for status, description in (
        (FreshnessStatus.OPERATIONAL, "Streams whose newest datum is not older than their warn interval."),
        (FreshnessStatus.DEGRADED, "Streams whose newest datum is older than their warn interval."),
        (
            FreshnessStatus.FAILED,
            "Streams whose newest datum is older than their fail interval, or that never had one.",
        ),
        (FreshnessStatus.SILENT_HOST, "Failed streams of hosts whose streams all deliver nothing new."),
        (FreshnessStatus.NOT_TRACKED, "Streams that have no limits, are switched off, or are not deployed now."),
    ):
        panel = stat(status.label.capitalize(), "short", description, count_query(status))
        if status >= FreshnessStatus.DEGRADED:
            panel.thresholds(threshold_at_one(COLORS[status.label])).color_mode(BigValueColorMode.VALUE)
        board.with_panel(panel)


def _add_current_statuses(board: Dashboard) -> None:
    by = [tag(StreamFreshness, one) for one in ("reference_designator", "method", "stream")]
    state, age = (field(StreamFreshness, one) for one in ("state", "age"))
    panel = table(
        "Status now",
        "hertz",
        "The newest status of each stream, worst first; age and rate are as of the report.",
        table_query(),
        [*by, state, age, "reported", "rate", "expected_rate", "share"],
    )
    names = {by[0]: "instrument", "expected_rate": "expected rate", "share": "rate / expected"}
    units = {age: "s", "reported": "dateTimeFromNow", "share": "percentunit"}
    board.with_panel(color_cells(set_units(rename_fields(panel, names), units), state, COLORS).height(12))


def _add_history(board: Dashboard) -> None:
    statuses = state_timeline(
        "Status",
        "Each status lasts until the next report. It is not known if there was no report for longer than the "
        "agent's hourly round. This panel reads every point.",
        status_query(),
        COLORS,
    )
    ages = time_series(
        "Age of the newest datum",
        "s",
        "As reported at each change and once an hour; the line breaks where the age is not known. "
        "This panel reads every point.",
        age_query(),
    )
    board.with_panel(statuses.display_name(_LABELS).height(12))
    board.with_panel(ages.display_name(_LABELS).span(24))
