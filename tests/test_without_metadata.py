"""A program that is bundled without the metadata of installed packages, as by zipapp or PyInstaller."""

import os
import shutil
import site
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
import asyncio, importlib.metadata, sys

def main():
    try:
        importlib.metadata.version("tsmon")
    except importlib.metadata.PackageNotFoundError:
        print("no metadata")
    import tsmon
    from tsmon import Monitor, Request
    from tsmon.settings import MonitoringSettings
    from tsmon.stores.factory import store_from
    print(tsmon.__file__.rpartition("app.pyz")[1], tsmon.__version__)
    with Monitor(MonitoringSettings(store="sqlite", file="metrics.db"), service="s") as monitor:
        monitor.emit(Request(route="GET:/", status_code=200, request_id="a", execution_time=0.1))
        monitor.flush(10)
        print(monitor.counts.written)
    for keys in ({"store": "memory"}, {"store": "influxdb"}, {"url": "http://localhost:1"}):
        print(type(store_from(MonitoringSettings(**keys))).__name__)
    try:
        MonitoringSettings(store="influx")
    except tsmon.SettingsError as error:
        print(error)
    from tsmon.availability.flux.query import load_rules
    load_rules()
    from tsmon.cli import main
    sys.argv = ["tsmon", "version"]
    main()
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """This environment's packages, without tsmon and its metadata."""
    directory = tmp_path / "packages"
    directory.mkdir()
    for place in site.getsitepackages():
        for one in Path(place).iterdir():
            if "tsmon" not in one.name and one.suffix != ".pth":
                (directory / one.name).symlink_to(one)
    return directory


def test_stores_version_and_commands_work_in_a_zip_file_without_metadata(packages: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "tsmon", source / "tsmon", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "program.py").write_text(PROGRAM)
    app = tmp_path / "app.pyz"
    zipapp.create_archive(source, app, main="program:main")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TSMON_")}
    done = subprocess.run(
        [sys.executable, "-S", str(app)],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "no metadata",
        "app.pyz 0.1.0",
        "1",
        "MemoryStore",
        "InfluxStore",
        "InfluxStore",
        "MonitoringSettings: store: 'influx' is not a store; did you mean influxdb?",
        "0.1.0",
    ]
