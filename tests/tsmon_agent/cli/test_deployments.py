"""``tsmon-agent deployments``, on every database."""

import json
from typing import Any

import pytest
from freezegun import freeze_time


def test_list(loaded: Any) -> None:
    lines = loaded("deployments", "list").out.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["GP03-CTD", "1", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"],
        ["GP03-CTD", "2", "2024-02-01T00:00:00Z", "still", "running"],
    ]
    assert loaded("deployments", "list", "none").out.startswith("no deployments of none are known")
    (_, second) = json.loads(loaded("deployments", "list", "GP03-CTD", "--json").out)
    assert second == {
        "reference_designator": "GP03-CTD",
        "number": 2,
        "start": "2024-02-01T00:00:00Z",
        "end": None,
    }


def test_export_loads_again(loaded: Any) -> None:
    exported = loaded("deployments", "export").out
    assert loaded("deployments", "load", "-", typed=exported).out == "-: 0 added, 0 changed, 2 unchanged\n"


def test_add_end_remove(loaded: Any) -> None:
    assert loaded("deployments", "add", "GP03-PAR", "1", "2024-03-01").out == "deployment 1 of GP03-PAR added\n"
    ended = loaded("deployments", "end", "GP03-PAR", "--at", "2024-03-02T00:00:00.5+01:00")
    assert ended.out == "deployment 1 of GP03-PAR ended at 2024-03-01T23:00:00.5Z\n"
    assert loaded("deployments", "remove", "GP03-PAR", "1", typed="n\n").code == 1
    assert loaded("deployments", "remove", "GP03-PAR", "1", "-y").out == "deployment 1 of GP03-PAR removed\n"
    assert "GP03-PAR" not in loaded("deployments", "list").out


def test_it_ends_now(loaded: Any) -> None:
    with freeze_time("2024-06-01T12:00:00Z"):
        ended = loaded("deployments", "end", "GP03-CTD", "2")
    assert ended.out == "deployment 2 of GP03-CTD ended at 2024-06-01T12:00:00Z\n"


def test_add_with_an_end(run: Any) -> None:
    run("deployments", "add", "a", "1", "2024-03-01", "2024-03-02")
    assert json.loads(run("deployments", "list", "--json").out)[0]["end"] == "2024-03-02T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("add GP03-CTD 2 2024-01-01", "there is a deployment 2 of GP03-CTD already"),
        ("add a 1 soon", "the start is wrong: 'soon' is not a time"),
        ("add a 1 2024-01-02 2024-01-01", "the end is before the start; exchange the two"),
        ("end GP03-CTD 1", "deployment 1 of GP03-CTD ended at 2024-02-01T00:00:00Z"),
        ("end none", "no deployment of 'none' runs"),
        ("end GP03-CTD --at soon", "--at is wrong: 'soon' is not a time"),
        ("end GP03-CTD --at 2024-01-01", "deployment 2 of GP03-CTD starts at 2024-02-01T00:00:00Z, after that"),
        ("remove GP03-CTD 7 -y", "there is no deployment 7 of 'GP03-CTD'"),
    ],
)
def test_mistakes(loaded: Any, arguments: str, reason: str) -> None:
    before = loaded("deployments", "export").out
    assert loaded("deployments", *arguments.split()).mistake.startswith(reason)
    assert loaded("deployments", "export").out == before
