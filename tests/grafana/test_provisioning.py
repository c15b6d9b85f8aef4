"""What Grafana reads at its start: the data source, and where the dashboards are."""

import string
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.dashboards import DIRECTORY, GRAFANA
from tsmon_agent.settings import load_settings


def provisioned(name: str, variables: dict[str, str]) -> Any:
    """A file as Grafana takes it: YAML, then each text with its variables (os.ExpandEnv) put in."""
    return _expanded(yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8")), variables)


def test_the_data_source_asks_the_server_that_tsmon_writes_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One set of variables serves tsmon and Grafana."""
    variables = {
        "TSMON_MONITORING__URL": "https://influx.example:8443",
        "TSMON_MONITORING__ORGANIZATION": "observatory",
        "TSMON_MONITORING__BUCKET": "detectors",
        "TSMON_MONITORING__TOKEN": "a$secret",
    }
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings().monitoring

    [source] = provisioned("datasources/tsmon.yaml", variables)["datasources"]

    assert (source["type"], source["uid"], source["access"]) == ("influxdb", "tsmon", "proxy")
    assert source["url"] == settings.address
    assert source["jsonData"] == {
        "version": "Flux",
        "organization": settings.organization,
        "defaultBucket": settings.bucket,
        "timeInterval": "20s",
    }
    assert source["secureJsonData"] == {"token": settings.token.get_secret_value()}


def test_the_shortest_window_holds_two_rounds_of_the_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With one round only, a round that is late by a hair would show as a gap."""
    monkeypatch.chdir(tmp_path)
    [source] = provisioned("datasources/tsmon.yaml", {})["datasources"]
    assert source["jsonData"]["timeInterval"] == f"{2 * load_settings().agent.interval:g}s"


def test_the_provider_finds_the_dashboards() -> None:
    variables = {"GF_PATHS_PROVISIONING": str(GRAFANA / "provisioning")}
    [provider] = provisioned("dashboards/tsmon.yaml", variables)["providers"]
    assert provider["type"] == "file"
    assert Path(provider["options"]["path"]).resolve() == DIRECTORY


def _expanded(value: Any, variables: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [_expanded(one, variables) for one in value]
    return string.Template(value).safe_substitute(variables) if isinstance(value, str) else value
