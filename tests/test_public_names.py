"""Packages export exactly what they list, and importing the library stays light."""

import importlib
import json
import pkgutil
import subprocess
import sys
import types

import pytest

import tsmon
import tsmon_agent

HEAVY = {
    "aiohttp",
    "aiosmtpd",
    "alembic",
    "apprise",
    "apscheduler",
    "influxdb_client",
    "jinja2",
    "numpy",
    "playwright",
    "plotly",
    "psutil",
    "psycopg",
    "pydantic",
    "pydantic_settings",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "typer",
    "tsmon_agent",
}
NEEDED = {"isal", "msgspec", "tsmon", "typing_extensions"}
LOADED = "import json, sys; before = set(sys.modules); {}; print(json.dumps(sorted(set(sys.modules) - before)))"


def modules() -> list[str]:
    names = []
    for package in (tsmon, tsmon_agent):
        names += [package.__name__]
        names += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [name for name in names if not name.endswith("__main__")]


def packages() -> list[str]:
    return [name for name in modules() if hasattr(importlib.import_module(name), "__path__")]


def sort_key(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions: as the linter sorts."""
    return not name.isupper(), not name[0].isupper(), name


@pytest.mark.parametrize("name", packages())
def test_a_package_exports_exactly_what_it_lists(name: str) -> None:
    package = importlib.import_module(name)
    public = {
        key
        for key, value in vars(package).items()
        if not key.startswith("_") and not isinstance(value, types.ModuleType)
    }
    listed = getattr(package, "__all__", [])
    assert set(listed) == public
    assert listed == sorted(listed, key=sort_key)
    assert package.__doc__


@pytest.mark.parametrize("name", modules())
def test_every_name_that_a_module_lists_exists(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert [key for key in listed if not hasattr(module, key)] == []
    assert len(set(listed)) == len(listed)
    assert module.__doc__


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that ``statement`` loads in a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED.format(statement)], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(run.stdout)}


def test_importing_the_library_loads_nothing_heavy() -> None:
    loaded = loaded_by("import tsmon")
    assert loaded & HEAVY == set()
    assert loaded - sys.stdlib_module_names <= NEEDED


def test_the_check_sees_what_is_loaded() -> None:
    assert {"aiohttp", "tsmon"} <= loaded_by("import tsmon, aiohttp")


def test_importing_the_library_loads_no_module_that_only_rare_values_need() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOADED.format("import tsmon")], capture_output=True, text=True, check=True
    )
    rare = {"concurrent.futures.thread", "fractions", "unicodedata", "tsmon.monitor.background"}
    assert set(json.loads(run.stdout)) & rare == set()
