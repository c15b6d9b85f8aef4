"""`tsmon schema`, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

from tsmon import Point, Request, Tag, TagAndField
from tsmon.points.schema import ColumnSchema, describe_series, find_series

OWN = '''
from tsmon import Point, Tag

class Exposure(Point, measurement="exposures"):
    """One exposure of a detector."""

    detector: Tag[str]
    duration: float
    """How long the shutter was open, in seconds."""
'''


def run(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from tsmon.cli import main; main()", "schema", *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        check=False,
    )


class Frame(Point, measurement="frames"):
    """A frame.

    It has more to say.
    """

    camera: Tag[str | None] = None
    code: TagAndField[int]
    """Code of
    the error."""
    live: bool


def test_what_a_class_declares() -> None:
    schema = describe_series(Frame)
    code = ColumnSchema("code", "integer", optional=False, description="Code of the error.")
    assert schema.measurement == "frames"
    assert schema.description == "A frame."
    assert schema.tags == (ColumnSchema("camera", "string", optional=True, description=""), code)
    assert schema.fields == (code, ColumnSchema("live", "boolean", optional=False, description=""))


def test_inherited_attributes_keep_their_docstrings() -> None:
    [service, *_] = describe_series(Request).tags
    assert service.name == "service"
    assert service.optional
    assert service.description.startswith("Name of the service")


def test_every_field_of_tsmons_series_is_described() -> None:
    missing = [
        f"{one.class_name}.{column.name}"
        for one in find_series(["tsmon.points"])
        for column in (*one.tags, *one.fields)
        if not column.description
    ]
    assert missing == []


def test_a_users_module_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    result = run("--module", "mine", directory=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "exposures  mine.Exposure" in result.stdout
    assert "How long the shutter was open, in seconds." in result.stdout


def test_a_users_module_as_json(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    [series] = json.loads(run("-m", "mine", "--json", directory=tmp_path).stdout)
    assert series["measurement"] == "exposures"
    assert [field["name"] for field in series["fields"]] == ["duration"]


def test_without_a_module_tsmons_series_are_shown(tmp_path: Path) -> None:
    measurements = {one["measurement"] for one in json.loads(run("--json", directory=tmp_path).stdout)}
    assert {"requests", "errors", "subtask_final", "cpu", "tsmon_pipeline"} <= measurements


def test_a_missing_module_is_reported_in_one_sentence(tmp_path: Path) -> None:
    result = run("-m", "nowhere.at.all", directory=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "tsmon: nowhere.at.all cannot be imported: the module nowhere is not installed\n"


def test_a_module_without_points_is_reported_in_one_sentence(tmp_path: Path) -> None:
    result = run("-m", "json", directory=tmp_path)
    assert result.stderr == ("tsmon: json declares no point class with a measurement; name the module that does\n")
