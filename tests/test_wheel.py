"""The wheel that is built from this tree works by itself."""

import os
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory), str(ROOT)])
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the commands of a new environment: the wheel, and this environment's other packages."""
    directory = tmp_path_factory.mktemp("venv")
    run([sys.executable, "-m", "venv", "--without-pip", str(directory)])
    python = directory / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)])
    packages = run([str(python), "-c", "import site; print(site.getsitepackages()[0])"]).strip()
    # Found after the wheel; .pth files in there, such as that of an editable tsmon, are not followed.
    (Path(packages) / "others.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python.parent


def run(command: list[str], cwd: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    expected = {
        str(path.relative_to(ROOT))
        for package in ("tsmon", "tsmon_agent")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == expected


def test_the_installed_library_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    shown = run([str(installed / "python"), "-c", "import tsmon; print(tsmon.__file__)"], cwd=tmp_path)
    assert Path(shown.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize("command", ["tsmon", "tsmon-agent"])
def test_the_commands_explain_themselves(installed: Path, tmp_path: Path, command: str) -> None:
    assert f"Usage: {command}" in run([str(installed / command), "--help"], cwd=tmp_path)
