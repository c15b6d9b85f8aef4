"""Dashboard of tsmon itself: the accounting of the agents' points, and the health of their samplers."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.common import BigValueColorMode

from tsmon.points.self_metrics import AgentCounts, SamplerRound
from tsmon_agent.dashboards.columns import field, label, tag
from tsmon_agent.dashboards.flux import matches_variable, means, newest, newest_table, rates, read, tag_values
from tsmon_agent.dashboards.panels import (
    dashboard,
    query_variable,
    rename_fields,
    set_units,
    stat,
    table,
    thresholds,
    time_series,
)

__all__ = ["build"]

_HOSTS: Final = {"host": matches_variable("host")}
_SAMPLERS: Final = {**_HOSTS, "sampler": matches_variable("sampler")}


def build() -> Dashboard:
    """Build the dashboard."""
    board = dashboard(
        "tsmon-pipeline",
        "Pipeline",
        "Delivery of points from the samplers of tsmon-agent to the store, and losses on the way.",
    )
    board.with_variable(
        query_variable("host", "Host", "Hosts with an agent", tag_values(AgentCounts, "host"), many=True)
    ).with_variable(
        query_variable(
            "sampler", "Sampler", "Samplers", tag_values(SamplerRound, "sampler", where=_HOSTS), many=True
        )
    )
    for part in (_add_overview, _add_points, _add_samplers):
        part(board)
    return board


def _add_overview(board: Dashboard) -> None:
    host = label(AgentCounts, "host")
    for title, attribute, description, alarming in (
        ("Written", "written", "Points that the store has acknowledged since the agent's start.", False),
        ("Pending", "pending", "Points that are waiting or being sent now.", False),
        ("Dropped", "dropped", "Points discarded since the agent's start, for any reason.", True),
        ("Refused", "refused", "Points that could not be encoded since the agent's start.", True),
        ("Fields left out", "nonfinite_fields", "Fields that were NaN or infinite since the agent's start.", True),
    ):
        panel = stat(title, "short", description, newest(read(AgentCounts, attribute, where=_HOSTS)))
        panel.display_name(host)
        if alarming:
            panel.thresholds(thresholds(warn=1, alarm=1000)).color_mode(BigValueColorMode.VALUE)
        board.with_panel(panel)


def _add_points(board: Dashboard) -> None:
    host = label(AgentCounts, "host")
    board.with_row(Row("Points"))
    board.with_panel(
        rename_fields(
            time_series(
                "Accepted and written",
                "cps",
                "Points per second emitted, and acknowledged by the store.",
                rates(read(AgentCounts, "accepted", "written", where=_HOSTS)),
            ),
            {field(AgentCounts, "accepted"): f"{host} accepted", field(AgentCounts, "written"): f"{host} written"},
        )
    )
    board.with_panel(
        time_series(
            "Pending points",
            "short",
            "Points that are waiting or being sent; the number grows while the store does not answer.",
            means(read(AgentCounts, "pending", where=_HOSTS)),
        ).display_name(host)
    )
    board.with_panel(
        rename_fields(
            time_series(
                "Lost",
                "cps",
                "Points per second that were discarded or could not be encoded, and fields that were left out.",
                rates(read(AgentCounts, "dropped", "refused", "nonfinite_fields", where=_HOSTS)),
            ).span(24),
            {
                field(AgentCounts, "dropped"): f"{host} dropped",
                field(AgentCounts, "refused"): f"{host} refused",
                field(AgentCounts, "nonfinite_fields"): f"{host} fields left out",
            },
        )
    )


def _add_samplers(board: Dashboard) -> None:
    name = f"{label(SamplerRound, 'host')} {label(SamplerRound, 'sampler')}"
    by, columns = ("host", "sampler"), ("points", "duration", "errors")
    board.with_row(Row("Samplers"))
    board.with_panel(
        time_series(
            "Duration of a round",
            "s",
            "Mean duration of the rounds of each sampler; an abandoned round counts as its time limit.",
            means(read(SamplerRound, "duration", where=_SAMPLERS)),
        ).display_name(name)
    )
    board.with_panel(
        time_series(
            "Failed rounds",
            "cpm",
            "Rounds per minute that failed or were abandoned.",
            rates(read(SamplerRound, "errors", where=_SAMPLERS), unit="1m"),
        ).display_name(name)
    )
    board.with_panel(
        set_units(
            rename_fields(
                table(
                    "Newest rounds",
                    "short",
                    "The newest round of each sampler in the time range.",
                    newest_table(SamplerRound, *columns, where=_SAMPLERS, by=by),
                    [*(tag(SamplerRound, one) for one in by), *(field(SamplerRound, one) for one in columns)],
                ),
                {field(SamplerRound, "errors"): "failed rounds"},
            ),
            {field(SamplerRound, "duration"): "s"},
        )
    )
