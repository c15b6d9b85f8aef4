"""First guesses at how a Monitor is made and where names are: they work, or the error names the right way."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import tsmon
from tsmon import Monitor, SettingsError, name_hints
from tsmon.settings import MonitoringSettings, Settings
from tsmon.stores.memory import MemoryStore


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"store": "sqlite"}, r"takes a Store, not str; .* MonitoringSettings\(store="),
        ({"store": Path("metrics.db")}, r"takes a Store, not PosixPath; "),
        ({"store": {"store": "sqlite"}}, r"takes a Store, not dict; "),
        ({"store": MemoryStore}, r"takes a Store, not the class MemoryStore; "),
        (
            {"settings": "tsmon.toml"},
            r"not str; pass load_settings\('tsmon.toml'\)\.monitoring .* service='tsmon.toml'",
        ),
        ({"settings": Path("tsmon.toml")}, r"pass load_settings\('tsmon.toml'\)\.monitoring "),
        ({"settings": {}}, r"not dict; pass MonitoringSettings\(\*\*keys\)"),
        ({"settings": {"store": "sqlite"}}, r"not dict; pass MonitoringSettings\(\*\*keys\)"),
        ({"settings": Settings()}, r"not Settings; pass its part, settings\.monitoring"),
        ({"settings": MemoryStore()}, r"not MemoryStore; pass a store as store="),
        ({"settings": 5}, r"not int; pass MonitoringSettings\("),
        ({"settings": MonitoringSettings, "store": MemoryStore()}, r"pass .*MonitoringSettings\("),
        ({"service": 5, "store": MemoryStore()}, r"takes a text, not int"),
    ],
    ids=repr,
)
def test_a_wrong_argument_is_answered_with_the_right_way(arguments: Any, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        Monitor(**arguments)


def test_the_version_is_known() -> None:
    assert tsmon.__version__ == version("tsmon")


@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, names in name_hints._FOUND_IN.items() for name in names]
)
def test_a_name_that_is_elsewhere_is_hinted_at_truly(place: str, name: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(f"from tsmon import {name}")
    sentence, _, statement = str(caught.value).partition("; write: ")
    assert sentence == f"{name} is in {place}"
    exec(statement)


def test_an_attribute_that_is_elsewhere_is_none() -> None:
    """As mocks, debuggers and inspection expect it of any module."""
    assert not hasattr(tsmon, "timed")
    assert getattr(tsmon, "MonitoringSettings", None) is None
    with pytest.raises(AttributeError, match=r"^timed is in tsmon\.work; write: from tsmon\.work import timed$"):
        _ = tsmon.timed  # type: ignore[attr-defined]


def test_unknown_names_and_packages_are_as_in_any_module() -> None:
    assert not hasattr(tsmon, "Nothing")
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'tsmon'"):
        exec("from tsmon import Nothing")
    subprocess.run([sys.executable, "-c", "from tsmon import settings, work, stores"], check=True)
