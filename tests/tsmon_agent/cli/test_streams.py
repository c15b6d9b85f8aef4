"""``tsmon-agent streams``, on every database."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tsmon_agent.cli.inventory_tables import STREAMS
from tests.tsmon_agent.shell import Ran


def test_load_again_updates(loaded: Any, tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text(STREAMS.replace(",0.01,", ",0.02,"))
    assert loaded("streams", "load", "expected.csv").out == "expected.csv: 0 added, 1 changed, 2 unchanged\n"


def test_dry_run(run: Any, tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text(STREAMS)
    printed = "expected.csv: 3 added, 0 changed, 0 unchanged (nothing was stored)\n"
    assert run("streams", "load", "expected.csv", "--dry-run") == Ran(0, printed, "")
    assert run("streams", "list", "--json").out == "[]\n"


def test_bad_rows_are_all_named_and_nothing_is_loaded(loaded: Any, tmp_path: Path) -> None:
    before = loaded("streams", "export").out
    (tmp_path / "bad.csv").write_text(STREAMS + "GP04,streamed,ctd,often,,,,\nGP04,streamed\n")
    ran = loaded("streams", "load", "bad.csv")
    assert (ran.code, ran.out) == (1, "")
    assert [line[:22] for line in ran.err.splitlines()] == [
        "tsmon-agent: bad.csv:5",
        "bad.csv:6: this row ha",
        "2 mistakes in bad.csv;",
    ]
    assert loaded("streams", "export").out == before


def test_list(loaded: Any) -> None:
    lines = loaded("streams", "list").out.splitlines()
    titles = "reference designator method stream rate (Hz) warn (s) fail (s)"
    assert lines[0].split() == titles.split()
    assert [line.split() for line in lines[1:]] == [
        ["GP03-CTD", "streamed", "ctd", "1", "600", "3600"],
        ["GP03-CTD", "telemetered", "ctd", "0.01"],
        ["GP03-PAR", "streamed", "par"],
    ]


def test_empty_list(run: Any) -> None:
    assert run("streams", "list").out.startswith("no streams are expected; load a table of them with")


def test_json(loaded: Any) -> None:
    found = json.loads(loaded("streams", "list", "--json").out)
    assert found[1] == {
        "reference_designator": "GP03-CTD",
        "method": "telemetered",
        "stream": "ctd",
        "expected_rate": 0.01,
        "warn_interval": None,
        "fail_interval": None,
        "selector": "ctd,a=b t",
        "rules": {"gap_fraction": 0.5},
        "enabled": True,
    }


def test_show(loaded: Any) -> None:
    assert loaded("streams", "show", "GP03-CTD").out == (
        "streamed ctd\n"
        "  expected rate: 1 Hz\n"
        "  warn interval: 600 s\n"
        "  fail interval: 3600 s\n"
        "  selector: ctd,method=streamed,reference_designator=GP03-CTD value\n"
        "telemetered ctd\n"
        "  expected rate: 0.01 Hz\n"
        "  warn interval: none\n"
        "  fail interval: none\n"
        "  selector: ctd,a=b t\n"
        "  rules: gap_fraction=0.5\n"
        "deployments\n"
        "  1: from 2024-01-01T00:00:00Z, to 2024-02-01T00:00:00Z\n"
        "  2: from 2024-02-01T00:00:00Z, still running\n"
    )
    found = json.loads(loaded("streams", "show", "GP03-CTD", "--json").out)
    assert (len(found["streams"]), len(found["deployments"])) == (2, 2)


def test_export_loads_again(loaded: Any, tmp_path: Path) -> None:
    exported = loaded("streams", "export").out
    assert loaded("streams", "load", "-", typed=exported).out == "-: 0 added, 0 changed, 3 unchanged\n"


def test_disable_and_enable(loaded: Any) -> None:
    assert loaded("streams", "disable", "GP03-CTD").out == "2 streams of GP03-CTD disabled\n"
    again = loaded("streams", "disable", "GP03-CTD")
    assert again.out == "GP03-CTD was disabled already; nothing was changed\n"
    assert loaded("streams", "list").out.count("disabled") == 2
    enabled = loaded("streams", "enable", "GP03-CTD", "streamed", "ctd")
    assert enabled.out == "1 stream of GP03-CTD enabled\n"
    assert loaded("streams", "list").out.count("disabled") == 1


def test_remove(loaded: Any) -> None:
    assert loaded("streams", "remove", "GP03-CTD", typed="n\n").code == 1
    assert loaded("streams", "list").out.count("GP03-CTD") == 2
    assert loaded("streams", "remove", "GP03-CTD", "streamed", "--yes").out == "1 stream of GP03-CTD removed\n"
    assert loaded("streams", "list").out.count("GP03-CTD") == 1


def test_a_name_is_never_markup(run: Any) -> None:
    run("streams", "load", "-", typed="[red]a[/red],[b],:smile:\n")
    assert "[red]a[/red]" in run("streams", "list").out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("show GP03-CTX", "no stream is expected of 'GP03-CTX'; did you mean GP03-CTD?"),
        (
            "enable GP03-PAR streamed ctd",
            "no stream 'streamed ctd' is expected of GP03-PAR; there are streamed",
        ),
        ("load none.csv", "none.csv cannot be read: No such file or directory"),
        ("load .", ". cannot be read: Is a directory"),
    ],
)
def test_mistakes(loaded: Any, arguments: str, reason: str) -> None:
    assert loaded("streams", *arguments.split()).mistake.startswith(reason)


def test_a_table_that_is_not_text(run: Any, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(b"a,b,c\n\xff\n")
    assert run("streams", "load", "e.csv").mistake == ("e.csv:2: byte 0xff is not UTF-8; save the table as UTF-8")


def test_a_table_saved_by_a_spreadsheet(run: Any, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(b"\xef\xbb\xbfRefDes,Method,Stream\r\n\xc3\xa4,b,c\r\n")
    assert run("streams", "load", "e.csv").code == 0
    assert json.loads(run("streams", "list", "--json").out)[0]["reference_designator"] == "ä"
