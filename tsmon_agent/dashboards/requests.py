"""Dashboard of HTTP requests: rates, failures and execution times."""

from typing import Final

from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.common import BigValueColorMode

from tsmon.points import Request, RequestError
from tsmon.stores.influxdb.queries import quote
from tsmon.stores.influxdb.whole_windows import WIDEST_NS
from tsmon_agent.dashboards.columns import label, tag
from tsmon_agent.dashboards.events import Part, per_second, ratio, ratio_in_range, rows_by
from tsmon_agent.dashboards.flux import matches_variable, read, tag_values
from tsmon_agent.dashboards.panels import (
    dashboard,
    query_variable,
    set_units,
    stack,
    stat,
    table,
    thresholds,
    time_series,
)

__all__ = ["build"]

_CHOSEN: Final = {"service": matches_variable("service"), "route": matches_variable("route")}
_REQUESTS: Final = Part("requests", read(Request, "request_id", where=_CHOSEN), "count")
_FAILED: Final = Part("failed", read(RequestError, "request_id", where=_CHOSEN), "count")
_TIMES: Final = read(Request, "execution_time", where=_CHOSEN)
_TIME: Final = Part("time", _TIMES, "sum")
_TIMED: Final = Part("timed", _TIMES, "count")
_ROUTE: Final = tag(Request, "route")


def build() -> Dashboard:
    """Build the dashboard."""
    board = dashboard(
        "tsmon-requests", "Requests", "HTTP requests of services: rates, failures and execution times."
    )
    board.with_variable(
        query_variable("service", "Service", "Services with requests", tag_values(Request, "service"), many=True)
    ).with_variable(
        query_variable(
            "route",
            "Route",
            "Methods and resources",
            tag_values(Request, "route", where={"service": matches_variable("service")}),
            many=True,
        )
    )
    for part in (_add_overview, _add_rates, _add_times, _add_routes):
        part(board)
    return board


def _add_overview(board: Dashboard) -> None:
    total = f"  |> aggregateWindow(every: {WIDEST_NS}ns, fn: count, createEmpty: false)\n  |> group()\n  |> sum()\n"
    board.with_row(Row("In the time range"))
    board.with_panel(
        stat("Requests", "short", "Requests in the time range.", _REQUESTS.reading + total).decimals(0)
    )
    board.with_panel(
        stat("Failed", "short", "Requests in the time range that failed.", _FAILED.reading + total)
        .decimals(0)
        .no_value("none")
    )
    board.with_panel(
        stat(
            "Failed share",
            "percentunit",
            "Failed requests as a share of all.",
            ratio_in_range(_FAILED, _REQUESTS),
        )
        .thresholds(thresholds(warn=0.01, alarm=0.05))
        .color_mode(BigValueColorMode.VALUE)
        .decimals(2)
    )
    board.with_panel(stat("Mean time", "s", "Mean execution time.", ratio_in_range(_TIME, _TIMED)))
    board.with_panel(
        stat(
            "95 % within",
            "s",
            "Execution time that 95 % of requests did not exceed. This panel reads every request in the range.",
            f"{_TIMES}  |> group()\n  |> {_quantile(0.95)}\n",
        )
    )
    board.with_panel(
        stat(
            "Slowest",
            "s",
            "Longest execution time.",
            f'{_TIMES}  |> max()\n  |> group()\n  |> max()\n  |> keep(columns: ["_time", "_value"])\n',
        )
    )


def _add_rates(board: Dashboard) -> None:
    board.with_row(Row("Rates"))
    board.with_panel(
        time_series(
            "Requests by route",
            "reqps",
            "Requests per second, by their start time.",
            per_second(Request, "request_id", where=_CHOSEN, by=[_ROUTE]),
        ).display_name(label(Request, "route"))
    )
    board.with_panel(
        stack(
            time_series(
                "Requests by status",
                "reqps",
                "Requests per second by the status of their response.",
                per_second(Request, "request_id", where=_CHOSEN, by=[tag(Request, "status_code")]),
            )
        ).display_name(label(Request, "status_code"))
    )
    board.with_panel(
        time_series(
            "Failed share by route",
            "percentunit",
            "Failed requests as a share of all; a gap if there were no requests.",
            ratio(_FAILED, _REQUESTS, [_ROUTE]),
        )
        .display_name(label(Request, "route"))
        .max(1)
    )
    board.with_panel(
        stack(
            time_series(
                "Failed requests by error",
                "reqps",
                "Failed requests per second by the application's error code.",
                per_second(RequestError, "request_id", where=_CHOSEN, by=[tag(RequestError, "error_code")]),
            )
        )
        .display_name(label(RequestError, "error_code"))
        .no_value("no failed requests")
    )


def _add_times(board: Dashboard) -> None:
    quantiles = {0.5: "50 % within", 0.95: "95 % within", 0.99: "99 % within"}
    board.with_row(Row("Execution times"))
    board.with_panel(
        time_series(
            "Mean time by route",
            "s",
            "Mean execution time; a gap if there were no requests.",
            ratio(_TIME, _TIMED, [_ROUTE]),
        ).display_name(label(Request, "route"))
    )
    board.with_panel(
        time_series(
            "Distribution over the selected routes",
            "s",
            "Estimated execution times that shares of the requests did not exceed. "
            "This panel reads every request in the range.",
            *(
                f"{_TIMES}  |> group()\n"
                "  |> aggregateWindow(\n"
                "    every: v.windowPeriod,\n"
                f"    fn: (column, tables=<-) => tables |> {_quantile(quantile, 'column')},\n"
                "    createEmpty: true,\n"
                "  )\n"
                f'  |> set(key: "_field", value: "{name}")\n'
                '  |> group(columns: ["_field"])\n'
                '  |> keep(columns: ["_field", "_time", "_value"])\n'
                for quantile, name in quantiles.items()
            ),
        )
    )


def _add_routes(board: Dashboard) -> None:
    by_route = f"  |> group(columns: [{quote(_ROUTE)}])\n"
    columns = {
        "requests": "r.requests",
        "failed": "if exists r.failed then r.failed else 0.0",
        "failed share": "(if exists r.failed then r.failed else 0.0) / r.requests",
        "mean time": "r.time / r.timed",
        "95 % within": "r.within",
        "slowest": "r.slowest",
    }
    shown = rows_by(
        _ROUTE,
        [_REQUESTS, _FAILED, _TIME, _TIMED, Part("slowest", _TIMES, "max")],
        {"within": f"{_TIMES}{by_route}  |> {_quantile(0.95)}\n"},
        columns,
    )
    board.with_row(Row("Routes"))
    board.with_panel(
        set_units(
            table(
                "Routes",
                "s",
                "The whole time range. The 95 % quantile reads every request in it.",
                shown,
                [_ROUTE, *columns],
            ).sort_by([TableSortByFieldState().display_name("requests").desc(True)]),
            {"requests": "short", "failed": "short", "failed share": "percentunit"},
        )
    )


def _quantile(share: float, column: str = '"_value"') -> str:
    return f'quantile(q: {share}, column: {column}, method: "estimate_tdigest")'
