"""The common form of tsmon's dashboards, variables and panels; each returns a builder to be extended."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    CustomVariable,
    Dashboard,
    DashboardLink,
    QueryVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.gauge import Panel as Gauge
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphGradientMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

__all__ = [
    "color_cells",
    "custom_variable",
    "dashboard",
    "gauge",
    "query_variable",
    "rename_fields",
    "set_units",
    "stack",
    "stat",
    "state_timeline",
    "table",
    "threshold_at_one",
    "thresholds",
    "time_series",
]

_SOURCE: Final = DataSourceRef(type_val="influxdb", uid="tsmon")
_TAG: Final = "tsmon"

P = TypeVar("P", Gauge, Stat, StateTimeline, Table, TimeSeries)


class _FluxQuery(Dataquery):
    """One query for Grafana's InfluxDB data source in Flux mode; the SDK has no type for it."""

    def __init__(self, ref_id: str, query: str) -> None:
        self.ref_id = ref_id
        self.query = query

    def to_json(self) -> dict[str, object]:
        return {"datasource": _SOURCE, "query": self.query, "refId": self.ref_id}


class _Target(Builder[Dataquery]):
    def __init__(self, query: _FluxQuery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        return self._query


def dashboard(uid: str, title: str, description: str) -> Dashboard:
    """An empty dashboard of the last hour, with links to the others that keep range and variables."""
    links = (
        DashboardLink("tsmon")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([_TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    return (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(links)
    )


def query_variable(name: str, label: str, description: str, query: str, *, many: bool) -> QueryVariable:
    """A variable with the values of a query; with ``many``, several or all of them can be selected."""
    builder = (
        QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(_SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.NATURAL_ASC)
    )
    if not many:
        return builder
    everything = VariableOption(selected=True, text="All", value="$__all")
    return builder.multi(True).include_all(True).all_value(".*").current(everything)


def custom_variable(name: str, label: str, description: str, values: Sequence[str]) -> CustomVariable:
    """A variable with fixed values, by default the first; other values may be typed in."""
    options = [VariableOption(selected=one == values[0], text=one, value=one) for one in values]
    return (
        CustomVariable(name)
        .label(label)
        .description(description)
        .values(",".join(values))
        .options(options)
        .current(options[0])
    )


def state_timeline(title: str, description: str, query: str, colors: Mapping[str, str]) -> StateTimeline:
    """A row per series of texts; each text is a state until the next one. As wide as the dashboard."""
    legend = (
        VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    )
    panel = (
        StateTimeline()
        .legend(legend)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
        .mappings([_build_value_map(colors)])
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .span(24)
        .height(10)
    )
    return _finish_panel(panel, title, "string", description, (query,))


def time_series(title: str, unit: str, description: str, *queries: str) -> TimeSeries:
    """Lines on an axis from zero; nulls are gaps. Half as wide as the dashboard."""
    legend = (
        VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    )
    panel = (
        TimeSeries()
        .legend(legend)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .line_interpolation(LineInterpolation.LINEAR)
        .line_width(1)
        .fill_opacity(10)
        .gradient_mode(GraphGradientMode.NONE)
        .span_nulls(False)
        .min(0)
        .span(12)
        .height(8)
    )
    return _finish_panel(panel, title, unit, description, queries)


def stack(panel: TimeSeries) -> TimeSeries:
    """The panel with stacked series."""
    return panel.stacking(StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)


def stat(title: str, unit: str, description: str, query: str) -> Stat:
    """The newest value as a number. A sixth as wide as the dashboard."""
    panel = (
        Stat()
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.NONE)
        .span(4)
        .height(4)
    )
    return _finish_panel(panel, title, unit, description, (query,))


def gauge(title: str, description: str, query: str) -> Gauge:
    """The newest value on a scale from 0 to 100 percent. A sixth as wide as the dashboard."""
    panel = (
        Gauge()
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(thresholds(warn=80, alarm=95))
        .min(0)
        .max(100)
        .span(4)
        .height(4)
    )
    return _finish_panel(panel, title, "percent", description, (query,))


def table(title: str, unit: str, description: str, query: str, columns: Sequence[str]) -> Table:
    """Rows of a query, with columns in this order; ``unit`` is that of most columns. As wide as the dashboard."""
    order = {"indexByName": {column: index for index, column in enumerate(columns)}}
    panel = Table().filterable(True).with_transformation(DataTransformerConfig("organize", options=order))
    return _finish_panel(panel.span(24).height(8), title, unit, description, (query,))


def thresholds(*, warn: float, alarm: float) -> ThresholdsConfig:
    """Green below ``warn``, orange from there, red from ``alarm``."""
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(None, "green"), Threshold(warn, "orange"), Threshold(alarm, "red")])
    )


def threshold_at_one(color: str) -> ThresholdsConfig:
    """The colour of text below one, ``color`` from one."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, "text"), Threshold(1, color)])


def rename_fields(panel: P, names: Mapping[str, str]) -> P:
    """The panel with display names for fields, by key."""
    for key, name in names.items():
        panel.override_by_name(key, [DynamicConfigValue("displayName", name)])
    return panel


def set_units(panel: P, units: Mapping[str, str]) -> P:
    """The panel with units for fields, by key."""
    for key, unit in units.items():
        panel.override_by_name(key, [DynamicConfigValue("unit", unit)])
    return panel


def color_cells(panel: Table, key: str, colors: Mapping[str, str]) -> Table:
    """The table with a background colour for each text of a field."""
    background = {"type": "color-background", "mode": "basic"}
    properties = [
        DynamicConfigValue("mappings", [_build_value_map(colors)]),
        DynamicConfigValue("custom.cellOptions", background),
    ]
    return panel.override_by_name(key, properties)


def _build_value_map(colors: Mapping[str, str]) -> ValueMap:
    states = {
        name: ValueMappingResult(text=name, color=color, index=index)
        for index, (name, color) in enumerate(colors.items())
    }
    return ValueMap(options=states)


def _finish_panel(panel: P, title: str, unit: str, description: str, queries: tuple[str, ...]) -> P:
    panel.title(title).unit(unit).description(description).datasource(_SOURCE)
    for ref_id, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_Target(_FluxQuery(ref_id, query)))
    return panel
