"""Which interpreter and which environment make uses; nothing is installed here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MINE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "3.10"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An empty project with our Makefile."""
    if shutil.which("make") is None:
        pytest.skip("make is not here; on Debian: apt-get install make")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What make would do, whatever make runs this test."""
    theirs = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "LOWEST", "PYTHON", "UV", "VENV"}
    return subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=directory,
        env={key: value for key, value in os.environ.items() if key not in theirs},
        capture_output=True,
        text=True,
        check=False,
    )


def environment(directory: Path, version: str) -> None:
    (directory / ".venv" / "bin").mkdir(parents=True)
    (directory / ".venv" / "bin" / "python").touch()
    (directory / ".venv" / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}.7\n")


@pytest.mark.parametrize("arguments", [[], [f"PYTHON={sys.executable}"]])
def test_a_new_user_gets_one_environment(directory: Path, arguments: list[str]) -> None:
    done = make(directory, "run", *arguments)
    assert "-m venv .venv |" in done.stdout
    assert ".venv/bin/tsmon-agent run" in done.stdout


@pytest.mark.parametrize(("present", "used"), [(MINE, ".venv"), (OTHER, f".venv-{MINE}")])
def test_another_version_of_python_gets_an_environment_of_its_own(directory: Path, present: str, used: str) -> None:
    environment(directory, present)
    assert f"{used}/bin/python -m pytest" in make(directory, "test", f"PYTHON={sys.executable}").stdout
    assert "\n.venv/bin/python -m pytest" in make(directory, "test").stdout


def test_an_interpreter_that_is_not_usable_is_named(directory: Path) -> None:
    environment(directory, MINE)
    done = make(directory, "test", "PYTHON=python2")
    assert done.returncode == 2
    assert "PYTHON=python2 is not a Python 3.11 or newer; name another" in done.stderr


def test_the_lowest_versions_are_installed_beside_the_others(directory: Path) -> None:
    environment(directory, MINE)
    done = make(directory, "test-lowest", f"PYTHON={sys.executable}")
    assert "--constraint '.venv-lowest/lowest.txt'" in done.stdout
    assert "TSMON_TEST_QUICK=1 .venv-lowest/bin/python -m pytest" in done.stdout
    assert "--constraint" not in make(directory, "test-quick").stdout
