"""Panels, variables and the frame of a dashboard, as all of tsmon's begin; each may be built on from there."""

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
    "choice",
    "colored",
    "dashboard",
    "from_one",
    "gauge",
    "named",
    "stacked",
    "stat",
    "state_timeline",
    "table",
    "thresholds",
    "time_series",
    "values_of",
    "variable",
]

_SOURCE: Final = DataSourceRef(type_val="influxdb", uid="tsmon")
_TAG: Final = "tsmon"

P = TypeVar("P", Gauge, Stat, StateTimeline, Table, TimeSeries)


class _FluxQuery(Dataquery):
    """One query as Grafana's InfluxDB data source takes it in its Flux mode; the SDK has no type for it."""

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
    """An empty dashboard over the last hour, with links to its sisters that keep the range and the variables."""
    sisters = (
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
        .link(sisters)
    )


def variable(name: str, label: str, description: str, query: str, *, many: bool) -> QueryVariable:
    """A variable with the values of a query, one or (``many``) several of them, or all."""
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


def choice(name: str, label: str, description: str, values: Sequence[str]) -> CustomVariable:
    """A variable with fixed values, the first of which is chosen at first; others may be typed in."""
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
    """A row per series of texts, each of which is a state until the next; the whole dashboard wide."""
    legend = (
        VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    )
    panel = (
        StateTimeline()
        .legend(legend)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
        .mappings([_states(colors)])
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .span(24)
        .height(10)
    )
    return _described(panel, title, "string", description, (query,))


def time_series(title: str, unit: str, description: str, *queries: str) -> TimeSeries:
    """Lines from zero upwards, half the dashboard wide; nulls are gaps."""
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
    return _described(panel, title, unit, description, queries)


def stacked(panel: TimeSeries) -> TimeSeries:
    """The same with its series upon each other."""
    return panel.stacking(StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)


def stat(title: str, unit: str, description: str, query: str) -> Stat:
    """The newest value as a number, a sixth of the dashboard wide."""
    panel = (
        Stat()
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.NONE)
        .span(4)
        .height(4)
    )
    return _described(panel, title, unit, description, (query,))


def gauge(title: str, description: str, query: str) -> Gauge:
    """The newest value on a scale from 0 to 100 percent, a sixth of the dashboard wide."""
    panel = (
        Gauge()
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(thresholds(warn=80, alarm=95))
        .min(0)
        .max(100)
        .span(4)
        .height(4)
    )
    return _described(panel, title, "percent", description, (query,))


def table(title: str, unit: str, description: str, query: str, columns: Sequence[str]) -> Table:
    """Rows of the query, the whole dashboard wide, its columns in this order; ``unit`` is that of most of them."""
    order = {"indexByName": {column: index for index, column in enumerate(columns)}}
    panel = Table().filterable(True).with_transformation(DataTransformerConfig("organize", options=order))
    return _described(panel.span(24).height(8), title, unit, description, (query,))


def thresholds(*, warn: float, alarm: float) -> ThresholdsConfig:
    """Green, orange from ``warn`` on, red from ``alarm`` on."""
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(None, "green"), Threshold(warn, "orange"), Threshold(alarm, "red")])
    )


def from_one(color: str) -> ThresholdsConfig:
    """This colour from one on, that of the text below."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, "text"), Threshold(1, color)])


def named(panel: P, names: Mapping[str, str]) -> P:
    """The panel with other names for the fields whose keys are given."""
    for key, name in names.items():
        panel.override_by_name(key, [DynamicConfigValue("displayName", name)])
    return panel


def values_of(panel: P, units: Mapping[str, str]) -> P:
    """The panel with other units for the fields whose keys are given."""
    for key, unit in units.items():
        panel.override_by_name(key, [DynamicConfigValue("unit", unit)])
    return panel


def colored(panel: Table, key: str, colors: Mapping[str, str]) -> Table:
    """The table with the texts of a field on a ground of their colours."""
    ground = {"type": "color-background", "mode": "basic"}
    properties = [
        DynamicConfigValue("mappings", [_states(colors)]),
        DynamicConfigValue("custom.cellOptions", ground),
    ]
    return panel.override_by_name(key, properties)


def _states(colors: Mapping[str, str]) -> ValueMap:
    states = {
        name: ValueMappingResult(text=name, color=color, index=index)
        for index, (name, color) in enumerate(colors.items())
    }
    return ValueMap(options=states)


def _described(panel: P, title: str, unit: str, description: str, queries: tuple[str, ...]) -> P:
    panel.title(title).unit(unit).description(description).datasource(_SOURCE)
    for ref_id, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_Target(_FluxQuery(ref_id, query)))
    return panel
