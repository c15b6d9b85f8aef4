"""Mistakes in settings given in code are the sentences that mistakes in a file are."""

import json
import os
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tsmon import SettingsError
from tsmon.settings import MonitoringSettings, Section, Settings
from tsmon_agent.settings import AgentSettings, AvailabilitySettings, RollupSettings, WebSettings
from tsmon_agent.settings import Settings as AgentsToo

SECRET = "s3cr3t-t0ken"
SAMPLERS = "'cpu', 'disk', 'diskio', 'mem', 'net', 'processes', 'swap' or 'system'"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours."""
    for name in os.environ:
        if name.upper().startswith("TSMON_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("section", "keys", "sentence"),
    [
        (MonitoringSettings, {"stor": 1}, "MonitoringSettings: stor is not a setting; did you mean store?"),
        (
            MonitoringSettings,
            {"port": "x"},
            "MonitoringSettings: port: should be a valid integer, unable to parse string as an integer",
        ),
        (
            MonitoringSettings,
            {"token": "a", "token_file": "b"},
            "MonitoringSettings: token and token_file are both set; choose one",
        ),
        (MonitoringSettings, {"tags": {"zone": 5}}, "MonitoringSettings: tags.zone: should be a valid string"),
        (
            MonitoringSettings,
            {"on_invalid": "rais"},
            "MonitoringSettings: on_invalid: should be 'raise' or 'drop'; did you mean raise?",
        ),
        (
            MonitoringSettings,
            {"store": "sqlit"},
            "MonitoringSettings: store: 'sqlit' is not a store; did you mean sqlite?",
        ),
        (Settings, {"monitoring": {"stor": 1}}, "Settings: monitoring.stor is not a setting; did you mean store?"),
        (Settings, {"monitoring": 5}, "Settings: monitoring is a section; write [monitoring] and its keys below"),
        (Settings, {"monitorin": {}}, "Settings: monitorin is not a setting; did you mean monitoring?"),
        (WebSettings, {"prt": 1}, "WebSettings: prt is not a setting; did you mean port?"),
        (
            RollupSettings,
            {"tiers": {"1x": "2d"}},
            "RollupSettings: '1x' is not a duration; write one such as 30s, ",
        ),
        (AvailabilitySettings, {"bounds": [3, 2, 1]}, "AvailabilitySettings: bounds are "),
        (
            AgentSettings,
            {"samplers": ["cpu", "dsk"]},
            f"AgentSettings: samplers.1: should be {SAMPLERS}; did you mean disk?",
        ),
        (
            AgentsToo,
            {"agent": {"intervals": {"dsk": 1.0}}},
            f"Settings: agent.intervals.dsk: should be {SAMPLERS}; did you mean disk?",
        ),
        (AgentsToo, {"web": {"port": -1}}, "Settings: web.port: should be greater than or equal to 0"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_class_as_its_place(
    section: type[Section], keys: dict[str, Any], sentence: str
) -> None:
    for build in (
        lambda: section(**keys),
        lambda: section.model_validate(keys),
        lambda: section.model_validate_json(json.dumps(keys)),
    ):
        with pytest.raises(SettingsError) as caught:
            build()
        assert str(caught.value).startswith(sentence)
        assert "\n" not in str(caught.value)
        assert caught.value.__context__ is None


def test_every_mistake_has_a_line() -> None:
    with pytest.raises(SettingsError) as caught:
        AgentsToo(monitoring={"port": 0, "tokn": "x"}, web={"hsts_max_age": -1})  # type: ignore[arg-type]
    assert sorted(str(caught.value).split("\n")) == [
        "Settings: monitoring.port: should be greater than or equal to 1",
        "Settings: monitoring.tokn is not a setting; did you mean token?",
        "Settings: web.hsts_max_age: should be greater than or equal to 0",
    ]


def test_a_mistake_of_a_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_MONITORING__PORT", "0")
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert str(caught.value) == "TSMON_MONITORING__PORT: monitoring.port: should be greater than or equal to 1"


@pytest.mark.parametrize("value", [5, "text", None, [1]])
def test_a_section_is_made_of_a_mapping(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^MonitoringSettings: should be a mapping of keys$"):
        MonitoringSettings.model_validate(value)


@pytest.mark.parametrize(
    "build",
    [
        lambda: MonitoringSettings(token=[SECRET]),
        lambda: MonitoringSettings(token=SECRET, port=0),
        lambda: MonitoringSettings(token=SECRET, token_file="x"),
        lambda: MonitoringSettings(url=f"http://user:{SECRET}@localhost:8086"),
        lambda: MonitoringSettings(proxy=f"ftp://user:{SECRET}@localhost:8086"),
        lambda: MonitoringSettings.model_validate({"token": SECRET, "port": 0}),
        lambda: MonitoringSettings.model_validate_json(json.dumps({"token": SECRET, "port": 0})),
        lambda: MonitoringSettings.model_validate_strings({"token": SECRET, "port": "0"}),
        lambda: Settings(monitoring={"token": SECRET, "port": 0}),
        lambda: Settings.model_validate({"monitoring": {"token": SECRET, "port": 0}}),
    ],
)
def test_no_mistake_shows_a_secret_not_even_in_a_traceback_with_variables(build: Callable[[], Section]) -> None:
    with pytest.raises(SettingsError) as caught:
        build()
    below = caught.value.__traceback__
    assert below is not None
    ours = below.tb_next.tb_next  # not the caller, who knows it
    shown = traceback.TracebackException(SettingsError, caught.value, ours, capture_locals=True)
    assert SECRET not in "".join(shown.format())
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_settings_do_not_change() -> None:
    settings = MonitoringSettings()
    with pytest.raises(
        SettingsError, match=r"^MonitoringSettings: port cannot be changed; make other settings by "
    ):
        settings.port = 5
    with pytest.raises(SettingsError, match=r"^MonitoringSettings: port cannot be deleted$"):
        del settings.port
    assert settings == MonitoringSettings()
    assert settings.model_copy(update={"port": 5}).port == 5
