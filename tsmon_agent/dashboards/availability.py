"""Dashboard of data streams: where each is present, sparse or missing in the time range."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from tsmon.availability.categories import APPEARANCES
from tsmon.availability.flux.grafana import build_grafana_bins_query, build_grafana_query
from tsmon.points import StreamFreshness
from tsmon_agent.dashboards.panels import custom_variable, dashboard, query_variable, state_timeline

__all__ = ["QUERIES", "build"]

QUERIES: Final = {"availability.flux": build_grafana_query, "availability_of_bins.flux": build_grafana_bins_query}
"""The queries of this dashboard, by file, for use in other dashboards."""

FRACTIONS: Final = ("0.001", "0.0001", "0.01", "0.05")
BOUNDS: Final = ("1/1.5/2", "1/2/4", "1/3/10")

_IMPORT: Final = 'import "influxdata/influxdb/schema"\nimport "strings"\n\n'
_LINE: Final = "\n"
_OF_STREAMS: Final = 'r["reference_designator"] =~ /./'
_OF_SITE: Final = 'r["reference_designator"] =~ /^${site:regex}(-|$)/'
_FRESHNESS: Final = StreamFreshness.__declaration__.measurement
_OF_INSTRUMENT: Final = f'{_OF_SITE} and r["reference_designator"] =~ /^${{instrument:regex}}$/'
_DATA_OF_INSTRUMENT: Final = f'{_OF_INSTRUMENT} and r["_measurement"] != "{_FRESHNESS}"'


def build() -> Dashboard:
    """Build the dashboard."""
    board = dashboard(
        "tsmon-availability",
        "Availability",
        "Gaps and sparsity of data streams. Data are expected in the whole range; a longer time without data "
        "than a fraction of the range is a gap. With the rules exact, it is also longer than twice the period of "
        "the stream: of its expected rate, else its typical separation in the range.",
    )
    board.time("now-7d", "now").refresh("5m")
    for one in (
        query_variable(
            "site",
            "Site",
            "The first part of reference designators",
            _build_tag_values("reference_designator", _OF_STREAMS)
            + '  |> map(fn: (r) => ({_value: strings.split(v: r._value, t: "-")[0]}))\n  |> distinct()\n',
            many=True,
        ),
        query_variable(
            "instrument",
            "Instrument",
            "Reference designators",
            _build_tag_values("reference_designator", _OF_SITE),
            many=True,
        ),
        query_variable(
            "stream",
            "Stream",
            "Measurements of streams, and names of streams reported as bins",
            f"{_IMPORT}union(tables: [\n{_build_tag_values('_measurement', _DATA_OF_INSTRUMENT, imports=False)},\n"
            f"{_build_tag_values('stream', _OF_INSTRUMENT, imports=False)},\n])\n  |> group()\n  |> distinct()\n",
            many=True,
        ),
        query_variable(
            "field",
            "Field",
            "The field whose values are the data",
            _build_tag_values("_field", f'{_OF_INSTRUMENT} and r["_measurement"] =~ /^${{stream:regex}}$/'),
            many=False,
        ),
        custom_variable(
            "preset",
            "Rules",
            "exact: gaps between points, of more than twice their period; bins: gaps only between bins",
            ("exact", "bins"),
        ),
        custom_variable("fraction", "Gap", "Fraction of the range; a longer time without data is a gap", FRACTIONS),
        custom_variable(
            "bounds",
            "Bounds",
            "Upper bounds of present, level 1 and level 2, as multiples of the mean separation",
            BOUNDS,
        ),
    ):
        board.with_variable(one)
    colors = {one.name: one.color for one in APPEARANCES}
    for title, query, description, labels in (
        (
            "Streams",
            build_grafana_query(),
            "Streams of points, by instrument. Missing is a state of its own.",
            ("reference_designator", "method", "_measurement"),
        ),
        (
            "Streams reported as bins",
            build_grafana_bins_query(),
            "Streams whose receivers report bins; gaps within a bin are unknown. This panel reads every bin.",
            ("reference_designator", "method", "stream"),
        ),
    ):
        panel = state_timeline(title, description, query, colors)
        board.with_panel(panel.display_name(_labels(labels)))
    return board


def _labels(names: Sequence[str]) -> str:
    return " ".join(f"${{__field.labels.{name}}}" for name in names)


def _build_tag_values(tag: str, predicate: str, *, imports: bool = True) -> str:
    return (
        f"{_IMPORT if imports else ''}schema.tagValues(\n"
        "  bucket: v.defaultBucket,\n"
        f'  tag: "{tag}",\n'
        f"  predicate: (r) => {predicate},\n"
        "  start: v.timeRangeStart,\n"
        "  stop: v.timeRangeStop,\n"
        f"){_LINE if imports else ''}"
    )
