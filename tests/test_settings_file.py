"""tsmon.toml, the documentation of every setting."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from tsmon_agent.settings import Settings, load_settings

FILE = Path("tsmon.toml")

EXAMPLES = {
    "monitoring.ca_file",
    "monitoring.cert_file",
    "monitoring.file",
    "monitoring.key_file",
    "monitoring.proxy",
    "monitoring.sample_routes",
    "monitoring.service",
    "monitoring.spool_directory",
    "monitoring.summarize_routes",
    "monitoring.tags",
    "monitoring.tags_as_fields",
    "monitoring.token_file",
    "web.base_path",
    "web.cert_file",
    "web.key_file",
    "web.trusted_proxies",
    "monitoring.url",
    "availability.colors",
    "availability.sparse_floor",
    "availability.tolerance",
    "agent.devices",
    "agent.disks",
    "agent.host",
    "agent.interfaces",
    "agent.intervals",
    "agent.log_config",
    "agent.samplers",
    "state.url",
    "streams.deployments",
    "streams.expected",
}
"""Keys whose default is to be absent; the file shows an example instead."""


def documented() -> dict[str, dict[str, object]]:
    lines = FILE.read_text().splitlines()
    setting = re.compile(r"# ?(\w+ = |\[[\w.]+\]$)")
    text = "\n".join(line.removeprefix("#").strip() if setting.match(line) else line for line in lines)
    return tomllib.loads(text)


def test_the_file_as_it_stands_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TSMON_SETTINGS",):
        monkeypatch.delenv(name, raising=False)
    assert load_settings(FILE).web == Settings().web


def test_every_setting_is_documented_and_nothing_else() -> None:
    names = {
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    }
    assert {f"{section}.{key}" for section, keys in documented().items() for key in keys} == names


def test_documented_values_are_the_defaults() -> None:
    defaults = Settings.model_construct()
    for section, keys in documented().items():
        for key, value in keys.items():
            if f"{section}.{key}" in EXAMPLES:
                continue
            default = getattr(getattr(defaults, section), key)
            shown = default.get_secret_value() if isinstance(default, SecretStr) else default
            assert value == shown, f"{section}.{key}"


def test_examples_in_the_file_are_valid(tmp_path: Path) -> None:
    for section, keys in documented().items():
        for key, value in keys.items():
            if key in ("key_file", "token_file"):
                continue  # valid only together with, or without, another key
            model = Settings.model_fields[section].annotation
            assert model is not None
            model.model_validate({key: value})
