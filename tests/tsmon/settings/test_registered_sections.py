"""Sections of other programs in the file that the library reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tsmon import SettingsError
from tsmon.settings import load_settings


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.upper().startswith("TSMON_"):
            monkeypatch.delenv(name)


def mistake(text: str = "") -> str:
    Path("tsmon.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_a_typo_in_a_section_of_the_agent_is_named_with_its_place() -> None:
    assert mistake("[web]\n\nprt = 1\n") == "tsmon.toml:3: web.prt is not a setting; did you mean port?"
    assert mistake("[agent]\nsamplers = ['cpu', 'dsk']\n").startswith("tsmon.toml:2: agent.samplers.1: should be ")
    assert mistake("[rollups.tiers]\n1x = '2d'\n").startswith("tsmon.toml:1: rollups: '1x' is not a duration; ")


def test_a_typo_in_a_variable_of_the_agent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_WEB__PRT", "1")
    assert mistake() == "TSMON_WEB__PRT: web.prt is not a setting; did you mean port?"


def test_a_section_that_nobody_has_registered_is_refused() -> None:
    known = "agent, availability, freshness, monitoring, rollups, state, streams, web"
    assert mistake("[pages]\nport = 1\n") == f"tsmon.toml:1: pages is not a setting; there are {known}"
    assert mistake("[webb]\nport = 1\n") == "tsmon.toml:1: webb is not a setting; did you mean web?"


def test_right_sections_of_others_change_nothing_for_the_library() -> None:
    Path("tsmon.toml").write_text("[monitoring]\nport = 5\n[web]\nport = 1\n")
    assert load_settings().monitoring.port == 5


@pytest.mark.parametrize(("section", "loaded"), [("", False), ("[web]\nport = 1\n", True)])
def test_a_section_is_imported_only_if_it_is_set(section: str, loaded: bool) -> None:
    Path("tsmon.toml").write_text(f"[monitoring]\nport = 5\n{section}")
    script = (
        "import sys\n"
        "from tsmon.settings import load_settings\n"
        "load_settings()\n"
        "print('tsmon_agent.settings.web' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout == f"{loaded}\n"


OWN = """
from tsmon.settings import Section

class Coffee(Section):
    cups: int = 1
"""


def test_a_section_of_ones_own_is_a_package_with_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "packages" / "coffee-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: coffee\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tsmon.settings]\ncoffee = section_of_a_test:Coffee\n")
    (info.parent / "section_of_a_test.py").write_text(OWN)
    monkeypatch.syspath_prepend(info.parent)
    Path("tsmon.toml").write_text("[coffee]\ncups = 2\n")
    assert load_settings().coffee.cups == 2  # type: ignore[attr-defined]
    assert mistake("[coffee]\ncup = 2\n") == "tsmon.toml:2: coffee.cup is not a setting; did you mean cups?"
