"""``python -m tsmon_agent.dashboards``."""

import subprocess
import sys
from pathlib import Path

import pytest

from tsmon_agent.dashboards.__main__ import main
from tsmon_agent.dashboards.files import FILES


def test_it_writes_the_dashboards_and_finds_nothing_to_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    assert capsys.readouterr().out == f"{tmp_path}: {', '.join(FILES)}\n"
    assert list(FILES) == sorted(FILES)
    assert main(["--check", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_check_names_what_differs_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    capsys.readouterr()
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "requests.json").unlink()
    assert main(["--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert f"{tmp_path / 'host.json'} differs" in told
    assert f"{tmp_path / 'requests.json'} differs" in told
    assert "pipeline.json" not in told
    assert (tmp_path / "host.json").read_text() == "{}"


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_directory_that_is_not_there_is_one_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == (
        f"tsmon_agent.dashboards: {tmp_path / 'none'} is not a directory; create it, or name another\n"
    )


def test_without_the_sdk_it_says_what_to_install(tmp_path: Path) -> None:
    hidden = (
        "import runpy, sys; sys.modules['grafana_foundation_sdk'] = None; "
        f"sys.argv[1:] = [{str(tmp_path)!r}]; runpy.run_module('tsmon_agent.dashboards', run_name='__main__')"
    )
    command = [sys.executable, "-c", hidden]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        "tsmon_agent.dashboards: the Grafana Foundation SDK is not installed; pip install 'tsmon[dashboards]'"
    ]
