"""Every query of every dashboard on a real InfluxDB, over what a real agent writes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.flux_table import FluxTable
from influxdb_client.client.write_api import SYNCHRONOUS

from tests.grafana.dashboards import names, panels, queries, variables
from tests.grafana.interpolation import ALL, Range, fill_in
from tests.grafana.recording import HOST, INSTRUMENTS, OLD_HOST, OTHER_HOSTS, ROUTES, Recording, record
from tests.services.influxdb import InfluxDB
from tsmon_agent.host.samplers import SAMPLERS

NUMBERS = {"double", "long", "unsignedLong"}
PANELS = [pytest.param(name, panel, id=f"{name}-{panel['title']}") for name in names() for panel in panels(name)]
VARIABLES = [
    pytest.param(name, variable, id=f"{name}-{variable['name']}")
    for name in names()
    for variable in variables(name)
    if variable["type"] == "query"
]
PROFILER = 'option profiler.enabledProfilers = ["operator"]\n\n'


class Grafana:
    """Asks as Grafana would, with everything chosen that can be, but one host where only one can."""

    def __init__(self, recording: Recording, client: InfluxDBClient) -> None:
        self.recording = recording
        self.client = client
        self._answers: dict[str, list[FluxTable]] = {}

    def ask(
        self, name: str, query: str, chosen: dict[str, Any] | None = None, span: Range | None = None
    ) -> list[FluxTable]:
        declared = variables(name)
        everything = {one["name"]: _first_choice(one) for one in declared}
        sent = fill_in(
            query,
            declared,
            {**everything, **(chosen or {})},
            span or self.recording.span,
            bucket=self.recording.bucket,
            organization=self.recording.server.org,
        )
        if sent not in self._answers:
            self._answers[sent] = list(self.client.query_api().query(sent))
        return self._answers[sent]

    def values_of(self, name: str, variable: str) -> list[str]:
        [query] = [one["query"] for one in variables(name) if one["name"] == variable]
        return [row.values["_value"] for table in self.ask(name, query) for row in table.records]


@pytest.fixture(scope="module")
def grafana(influxdb: InfluxDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    recording = record(influxdb, tmp_path_factory.mktemp("disk"))
    with InfluxDBClient(influxdb.url, influxdb.token, org=influxdb.org, timeout=30_000) as client:
        yield Grafana(recording, client)


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_every_query_of_a_panel_has_rows(name: str, panel: dict[str, Any], grafana: Grafana) -> None:
    for target in panel["targets"]:
        tables = grafana.ask(name, target["query"])
        assert _figures(tables), target["query"]
        if panel["type"] == "table":
            assert len(tables) == 1, "a table has one frame"
        else:
            for table in tables:
                _check_that_it_is_a_series(table, panel["type"])


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_names_and_units_are_given_to_what_comes_back(name: str, panel: dict[str, Any], grafana: Grafana) -> None:
    tables = [table for target in panel["targets"] for table in grafana.ask(name, target["query"])]
    fields = {row.values.get("_field") for table in tables for row in table.records}
    columns = {column.label for table in tables for column in table.columns}
    changes = panel["fieldConfig"]["overrides"]
    assert {change["matcher"]["options"] for change in changes} <= fields | columns
    for change in panel.get("transformations", ()):
        assert {*change["options"]["indexByName"], "result", "table"} == columns
    texts = [panel["fieldConfig"]["defaults"].get("displayName", "")]
    texts += [one["value"] for change in changes for one in change["properties"] if one["id"] == "displayName"]
    for label in re.findall(r"\$\{__field\.labels\.(\w+)\}", "".join(texts)):
        for table in tables:
            assert label in {column.label for column in table.get_group_key()}
            assert all(row.values[label] for row in table.records)


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_choice_narrows_a_panel_and_leaves_something(name: str, panel: dict[str, Any], grafana: Grafana) -> None:
    """One value alone, and all of them ticked one by one, are answered as well as all at once."""
    for query in (target["query"] for target in panel["targets"]):
        used = set(re.findall(r"\$\{(\w+):regex\}", query))
        chosen = [one["name"] for one in variables(name) if one.get("multi") and one["name"] in used]
        values = {variable: grafana.values_of(name, variable) for variable in chosen}
        everything = _figures(grafana.ask(name, query))
        assert _figures(grafana.ask(name, query, dict(values))) == everything
        one_of_each = {variable: [found[0]] for variable, found in values.items()}
        assert len(_figures(grafana.ask(name, query, one_of_each))) <= len(everything)
        assert not _figures(grafana.ask(name, query, {one: ["nothing"] for one in chosen})) or not chosen


@pytest.mark.parametrize(
    ("name", "title", "query"), [pytest.param(*one, id=f"{one[0]}-{one[1]}") for one in queries()]
)
def test_windows_and_sums_are_made_by_the_storage(name: str, title: str, query: str, grafana: Grafana) -> None:
    """What reads points one by one says so in its description."""
    tables = grafana.ask(name, _profiled(query))
    operators = [row.values["Type"] for table in tables for row in table.records if "Type" in row.values]
    sources = [operator for operator in operators if operator.startswith("*influxdb.")]
    [panel] = [panel for panel in panels(name) if panel["title"] == title]
    costly = len(re.findall(r"quantile\(|\n *\|> (?:buildReportedBinRows|elapsed)\(", query))
    assert bool(costly) == bool(re.search("reads? every (request|bin|point)", panel["description"]))
    assert sorted(sources) == sorted(
        ["*influxdb.readGroupSource" if "quantile(" in query else "*influxdb.readFilterSource"] * costly
        + ["*influxdb.readWindowAggregateSource"] * (query.count("from(") - costly)
    )


YEAR_NS = 365 * 86_400 * 10**9
BEFORE_1970 = {
    "before": Range(-100 * YEAR_NS, -99 * YEAR_NS, "1d"),
    "until": Range(-YEAR_NS - 7, 0, "1d"),
    "across": Range(-YEAR_NS - 7, YEAR_NS + 7, "2d"),
}


@pytest.fixture(scope="module")
def history(grafana: Grafana) -> str:
    """Name of a stream of 1870 and 1969; the other classes of points have history of that age, too."""
    lines = [f"tide,reference_designator=OLD-1,method=m value={n} {-n * YEAR_NS // 400 - 11}" for n in range(400)]
    lines += [
        f"tide,reference_designator=OLD-1,method=m value={n} {-99 * YEAR_NS - n * 10**12}" for n in range(400)
    ]
    for measurement, fields in (
        ("http_request", "duration=0.1,status=200i"),
        ("http_request_summary", "count=3i,sum=1"),
    ):
        lines += [f"{measurement},service=s,route=r,status_class=2xx {fields} {-n * 10**12}" for n in range(1, 30)]
    with grafana.client.write_api(write_options=SYNCHRONOUS) as api:
        api.write(grafana.recording.bucket, grafana.recording.server.org, lines)
    return "tide"


@pytest.mark.parametrize("span", BEFORE_1970)
def test_every_query_is_answered_over_ranges_before_1970(grafana: Grafana, history: str, span: str) -> None:
    """InfluxDB never ends an aggregate without a window there; the client gives up after 30 s."""
    for name, title, query in queries():
        try:
            tables = grafana.ask(name, query, span=BEFORE_1970[span])
        except Exception as error:
            pytest.fail(f"{name}, {title}: {error}")
        if (name, title) == ("availability.json", "Streams"):
            streams = {row.values["_measurement"] for table in tables for row in table.records}
            assert history in streams


@pytest.mark.parametrize(("name", "variable"), VARIABLES)
def test_a_variable_offers_something(name: str, variable: dict[str, Any], grafana: Grafana) -> None:
    assert grafana.values_of(name, variable["name"])


def test_variables_offer_what_was_written_in_the_range(grafana: Grafana) -> None:
    assert OLD_HOST not in grafana.values_of("host.json", "host")
    assert set(grafana.values_of("host.json", "host")) == {HOST, *OTHER_HOSTS}
    assert grafana.values_of("pipeline.json", "host") == [HOST]
    assert set(grafana.values_of("pipeline.json", "sampler")) == set(SAMPLERS)
    assert set(grafana.values_of("requests.json", "service")) == {"faces", "tasks"}
    assert set(grafana.values_of("requests.json", "route")) == set(ROUTES)


@pytest.mark.parametrize("host", [HOST, *OTHER_HOSTS])
def test_a_value_of_a_variable_stands_for_itself_alone(host: str, grafana: Grafana) -> None:
    [uptime] = [query for name, title, query in queries() if (name, title) == ("host.json", "Uptime")]
    [table] = grafana.ask("host.json", uptime, {"host": host})
    assert [row.values["host"] for row in table.records] == [host]


def test_the_requests_add_up(grafana: Grafana) -> None:
    [shown] = [query for name, title, query in queries() if (name, title) == ("requests.json", "Routes")]
    [table] = grafana.ask("requests.json", shown)
    rows = {row.values["route"]: row.values for row in table.records}
    assert set(rows) == set(ROUTES)
    for number, route in enumerate(ROUTES):
        row = rows[route]
        assert (row["requests"], row["failed"], row["failed share"]) == (40, 8, 0.2)
        for column in ("mean time", "slowest", "95 % within"):
            assert row[column] == pytest.approx(0.1 * (1 + number))


def _profiled(query: str) -> str:
    """Imports stand before everything else."""
    imports = re.findall(r'^import ".*"\n', query, re.MULTILINE)
    rest = re.sub(r'^import ".*"\n', "", query, flags=re.MULTILINE)
    return "".join(['import "profiler"\n', *imports, PROFILER, rest])


def _first_choice(variable: dict[str, Any]) -> str:
    """Everything, where that can be chosen; else what the recording has."""
    if variable["type"] == "custom":
        return str(variable["current"]["value"])
    return ALL if variable["includeAll"] else {"host": HOST, "field": "value"}[variable["name"]]


def _figures(tables: list[FluxTable]) -> list[float | str]:
    """Every number that would be drawn or printed, in the order of their size; of states their names."""
    found = [row.values.get("_value") for table in tables for row in table.records]
    return sorted(one for one in found if isinstance(one, str)) or sorted(
        row.values[column.label]
        for table in tables
        for column in table.columns
        if column.data_type in NUMBERS and column.label != "table"
        for row in table.records
        if row.values[column.label] is not None
    )


def _check_that_it_is_a_series(table: FluxTable, kind: str) -> None:
    """Grafana names a value by the labels only where a time and the value are all that is not a label."""
    own = {column.label: column.data_type for column in table.columns if not column.group}
    own = {label: kind for label, kind in own.items() if label not in {"result", "table"}}
    assert own.pop("_value") in ({"string"} if kind == "state-timeline" else NUMBERS)
    times = {label for label, kind in own.items() if kind.startswith("dateTime")}
    assert set(own) == times
    assert times == {"_time"} or (kind not in {"timeseries", "state-timeline"} and not times)


def test_a_gap_in_a_stream_is_a_state_of_its_own(grafana: Grafana) -> None:
    """From the last datum before it to the first one after it; at the end of the range likewise."""
    [shown] = [query for name, title, query in queries() if (name, title) == ("availability.json", "Streams")]
    tables = grafana.ask("availability.json", shown, {"site": ["CE01ISSM"], "fraction": "0.05"})
    [table] = tables
    assert {row.values["reference_designator"] for row in table.records} == {INSTRUMENTS[0]}
    start_ns = grafana.recording.span.start_ns
    seconds = [(row.get_time().timestamp() - start_ns / 1e9, row.get_value()) for row in table.records]
    assert seconds == [(0, "Present"), (29, "Missing"), (50, "Present"), (79, "Missing")]
