import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from tsmon import SettingsError
from tsmon.settings import MonitoringSettings, monitoring


@pytest.mark.parametrize(
    ("keys", "address"),
    [
        ({}, "http://localhost:8086"),
        ({"host": "db", "port": 1, "ssl": True}, "https://db:1"),
        ({"host": "::1"}, "http://[::1]:8086"),
        ({"url": "https://influx.example/base"}, "https://influx.example/base"),
    ],
)
def test_the_address_is_the_url_or_made_of_its_parts(keys: dict[str, Any], address: str) -> None:
    assert MonitoringSettings(**keys).address == address


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8086",
        "localhost",
        "ftp://localhost",
        "http://",
        "http://:8086",
        "http://localhost:99999",
        "http://localhost:x",
        "http://localhost:0",
        "http://local host",
        "http://localhost/?org=x",
        "http://localhost/#x",
        "http://[::1",
        "",
    ],
)
@pytest.mark.parametrize("key", ["url", "proxy"])
def test_what_is_no_address_is_refused(key: str, url: str) -> None:
    with pytest.raises(SettingsError, match="should be an address such as"):
        MonitoringSettings.model_validate({key: url})


@pytest.mark.parametrize(
    "host", ["http://db", "https://db:8086", "db:8086", "db/x", "u@db", "", "a b", "[::1]", "::1:x"]
)
def test_a_host_is_a_name_alone(host: str) -> None:
    with pytest.raises(
        SettingsError, match="host: should be a name or an address alone, such as localhost; give the"
    ):
        MonitoringSettings(host=host)


@pytest.mark.parametrize(("key", "value"), [("host", "db"), ("port", 8086), ("ssl", True)])
def test_an_address_is_given_once(key: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        MonitoringSettings.model_validate({"url": "http://db", key: value})
    assert str(caught.value) == (
        f"MonitoringSettings: url and {key} are both set; choose url, or host, port and ssl"
    )


def test_type_checkers_know_every_key() -> None:
    """They read the parameters from the source, where they are for them alone."""
    [init] = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(monitoring)))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    assert [argument.arg for argument in init.args.kwonlyargs] == list(MonitoringSettings.model_fields)


def test_a_url_with_a_password_is_refused_and_a_proxy_with_one_is_not() -> None:
    with pytest.raises(SettingsError, match=r"set monitoring\.token") as caught:
        MonitoringSettings(url="http://user:hidden@localhost")
    assert "hidden" not in str(caught.value)
    settings = MonitoringSettings.model_validate({"proxy": "http://user:hidden@localhost"})
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", 0),
        ("port", 65_536),
        ("timeout", 0),
        ("timeout", float("inf")),
        ("timeout", float("nan")),
        ("flushing_period", 0),
        ("flushing_period", -1),
        ("flushing_period", float("nan")),
        ("batch_lines", 0),
        ("batch_bytes", 999),
        ("buffer_bytes", 9_999),
        ("bucket", ""),
        ("token_file", ""),
        ("ca_file", 5),
        ("on_invalid", "ignore"),
        ("store", "postgres"),
        ("unknown", 1),
    ],
)
def test_values_out_of_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        MonitoringSettings.model_validate({key: value})


@pytest.mark.parametrize("keys", [{"token": "t", "token_file": "f"}, {"key_file": "k"}])
def test_keys_that_contradict_each_other_are_refused(keys: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"choose one|both or neither"):
        MonitoringSettings.model_validate(keys)


def test_the_home_directory_may_be_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of")
    assert MonitoringSettings.model_validate({"token_file": "~/token"}).token_file == Path("/home/of/token")


def test_settings_do_not_change() -> None:
    settings = MonitoringSettings()
    with pytest.raises(SettingsError):
        settings.port = 5
