"""The committed dashboards: up to date, and such as Grafana's published schema has them."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana.dashboards import DIRECTORY, GRAFANA, dashboard, names, panels, queries, variables
from tsmon_agent.dashboards.files import FILES, render

UNITS = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
PANELS = [pytest.param(panel, id=f"{name}-{panel['title']}") for name in names() for panel in panels(name)]


def test_the_committed_files_are_what_is_generated() -> None:
    assert names() == sorted(FILES)
    for name in names():
        assert (DIRECTORY / name).read_text(encoding="utf-8") == render(name), (
            f"{name} differs; python -m tsmon_agent.dashboards writes it anew"
        )


def test_the_queries_for_other_dashboards_are_those_of_ours() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (GRAFANA / "queries").iterdir()}
    assert sorted(files.values()) == sorted(query for name, _, query in queries() if name == "availability.json")


def test_links_to_the_dashboards_last() -> None:
    assert {name: (dashboard(name)["uid"], dashboard(name)["title"]) for name in names()} == {
        "availability.json": ("tsmon-availability", "Availability"),
        "freshness.json": ("tsmon-freshness", "Freshness"),
        "host.json": ("tsmon-host", "Host"),
        "pipeline.json": ("tsmon-pipeline", "Pipeline"),
        "requests.json": ("tsmon-requests", "Requests"),
    }


@pytest.mark.parametrize("name", names())
def test_the_published_schema_knows_every_key(name: str) -> None:
    """Read into the types that Grafana publishes and written again, nothing is lost or changed."""
    register_default_plugins()
    again = JSONEncoder().encode(Dashboard.from_json(dashboard(name)))
    assert json.loads(again) == dashboard(name)


@pytest.mark.parametrize("name", names())
def test_a_dashboard_is_classic_and_described(name: str) -> None:
    board = dashboard(name)
    assert 36 <= board["schemaVersion"] <= 42
    assert board["description"]
    assert board["tags"] == ["tsmon"]
    assert "id" not in board, "an id belongs to one Grafana"


@pytest.mark.parametrize("name", names())
def test_panels_have_their_own_id_title_and_place(name: str) -> None:
    board = dashboard(name)
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in panels(name)]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    for panel in board["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]
    for one, other in combinations(board["panels"], 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_complete(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "influxdb", "uid": "tsmon"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["query"].startswith(("from(", *PARTS))
    for override in panel["fieldConfig"]["overrides"]:
        for change in override["properties"]:
            assert change["id"] in {"displayName", "unit", "mappings", "custom.cellOptions"}
            assert change["id"] != "unit" or change["value"] in UNITS


@pytest.mark.parametrize("panel", [one for one in PANELS if one.values[0]["type"] == "timeseries"])
def test_lines_break_where_there_are_no_data(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False


@pytest.mark.parametrize("name", names())
def test_variables_are_chosen_from_what_is_there(name: str) -> None:
    for variable in variables(name):
        assert variable["label"]
        if variable["type"] == "custom":
            assert variable["query"].split(",") == [one["value"] for one in variable["options"]]
            assert variable["current"] == variable["options"][0]
            continue
        assert variable["type"] == "query"
        assert variable["datasource"] == {"type": "influxdb", "uid": "tsmon"}
        assert variable["refresh"] == 2, "values belong to the time range"
        assert variable["includeAll"] == variable["multi"] == (variable.get("allValue") == ".*")


@pytest.mark.parametrize("name", names())
def test_every_variable_is_used_and_every_one_used_is_there(name: str) -> None:
    texts = [query for file, _, query in queries() if file == name]
    used = set(re.findall(r"\$\{(\w+):(?:regex|raw)\}", "".join(texts)))
    assert used == {variable["name"] for variable in variables(name)}
    assert not any("[[" in text for text in texts), "Grafana takes [[name]] for a variable"


PARTS = ("failed = from(", "requests = from(", "time = from(", "import ")


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )
