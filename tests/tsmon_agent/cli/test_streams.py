"""``tsmon-agent streams`` and ``tsmon-agent deployments``, on every database."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from tests.tsmon_agent.shell import Ran, Shell

TABLE = """\
reference designator,method,stream,expected rate (Hz),warn interval,fail interval,selector,rules
GP03-CTD,streamed,ctd,1,10m,1h,,
GP03-CTD,telemetered,ctd,0.01,,,"ctd,a=b t",gap_fraction=0.5
GP03-PAR,streamed,par,,,,,
"""
DEPLOYED = "GP03-CTD,1,2024-01-01,2024-02-01\nGP03-CTD,2,2024-02-01,\n"


@pytest.fixture
def run(agent: Shell, state_url: str) -> Any:
    return partial(agent, TSMON_STATE__URL=state_url)


@pytest.fixture
def loaded(run: Any, tmp_path: Path) -> Any:
    (tmp_path / "expected.csv").write_text(TABLE)
    (tmp_path / "deployed.csv").write_text(DEPLOYED)
    assert run("streams", "load", "expected.csv").out == "expected.csv: 3 added, 0 changed, 0 unchanged\n"
    assert run("deployments", "load", "deployed.csv").out == "deployed.csv: 2 added, 0 changed, 0 unchanged\n"
    return run


class TestStreams:
    def test_load_again_updates(self, loaded: Any, tmp_path: Path) -> None:
        (tmp_path / "expected.csv").write_text(TABLE.replace(",0.01,", ",0.02,"))
        assert loaded("streams", "load", "expected.csv").out == "expected.csv: 0 added, 1 changed, 2 unchanged\n"

    def test_dry_run(self, run: Any, tmp_path: Path) -> None:
        (tmp_path / "expected.csv").write_text(TABLE)
        said = "expected.csv: 3 added, 0 changed, 0 unchanged (nothing was stored)\n"
        assert run("streams", "load", "expected.csv", "--dry-run") == Ran(0, said, "")
        assert run("streams", "list", "--json").out == "[]\n"

    def test_bad_rows_are_all_named_and_nothing_is_loaded(self, loaded: Any, tmp_path: Path) -> None:
        before = loaded("streams", "export").out
        (tmp_path / "bad.csv").write_text(TABLE + "GP04,streamed,ctd,often,,,,\nGP04,streamed\n")
        ran = loaded("streams", "load", "bad.csv")
        assert (ran.code, ran.out) == (1, "")
        assert [line[:22] for line in ran.err.splitlines()] == [
            "tsmon-agent: bad.csv:5",
            "bad.csv:6: this row ha",
            "2 mistakes in bad.csv;",
        ]
        assert loaded("streams", "export").out == before

    def test_list(self, loaded: Any) -> None:
        lines = loaded("streams", "list").out.splitlines()
        titles = "reference designator method stream rate (Hz) warn (s) fail (s)"
        assert lines[0].split() == titles.split()
        assert [line.split() for line in lines[1:]] == [
            ["GP03-CTD", "streamed", "ctd", "1", "600", "3600"],
            ["GP03-CTD", "telemetered", "ctd", "0.01"],
            ["GP03-PAR", "streamed", "par"],
        ]

    def test_list_of_none(self, run: Any) -> None:
        assert run("streams", "list").out.startswith("no streams are expected; load a table of them with")

    def test_json(self, loaded: Any) -> None:
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

    def test_show(self, loaded: Any) -> None:
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

    def test_export_loads_again(self, loaded: Any, tmp_path: Path) -> None:
        exported = loaded("streams", "export").out
        assert loaded("streams", "load", "-", typed=exported).out == "-: 0 added, 0 changed, 3 unchanged\n"

    def test_disable_and_enable(self, loaded: Any) -> None:
        assert loaded("streams", "disable", "GP03-CTD").out == "2 streams of GP03-CTD disabled\n"
        again = loaded("streams", "disable", "GP03-CTD")
        assert again.out == "GP03-CTD was disabled already; nothing was changed\n"
        assert loaded("streams", "list").out.count("disabled") == 2
        enabled = loaded("streams", "enable", "GP03-CTD", "streamed", "ctd")
        assert enabled.out == "1 stream of GP03-CTD enabled\n"
        assert loaded("streams", "list").out.count("disabled") == 1

    def test_remove(self, loaded: Any) -> None:
        assert loaded("streams", "remove", "GP03-CTD", typed="n\n").code == 1
        assert loaded("streams", "list").out.count("GP03-CTD") == 2
        assert loaded("streams", "remove", "GP03-CTD", "streamed", "--yes").out == "1 stream of GP03-CTD removed\n"
        assert loaded("streams", "list").out.count("GP03-CTD") == 1

    def test_a_name_is_never_markup(self, run: Any) -> None:
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
    def test_mistakes(self, loaded: Any, arguments: str, reason: str) -> None:
        assert loaded("streams", *arguments.split()).mistake.startswith(reason)

    def test_a_table_that_is_no_text(self, run: Any, tmp_path: Path) -> None:
        (tmp_path / "e.csv").write_bytes(b"a,b,c\n\xff\n")
        assert run("streams", "load", "e.csv").mistake == (
            "e.csv:2: byte 0xff is not UTF-8; save the table as UTF-8"
        )

    def test_a_table_saved_by_a_spreadsheet(self, run: Any, tmp_path: Path) -> None:
        (tmp_path / "e.csv").write_bytes(b"\xef\xbb\xbfRefDes,Method,Stream\r\n\xc3\xa4,b,c\r\n")
        assert run("streams", "load", "e.csv").code == 0
        assert json.loads(run("streams", "list", "--json").out)[0]["reference_designator"] == "ä"


class TestDeployments:
    def test_list(self, loaded: Any) -> None:
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

    def test_export_loads_again(self, loaded: Any) -> None:
        exported = loaded("deployments", "export").out
        assert loaded("deployments", "load", "-", typed=exported).out == "-: 0 added, 0 changed, 2 unchanged\n"

    def test_add_end_remove(self, loaded: Any) -> None:
        assert loaded("deployments", "add", "GP03-PAR", "1", "2024-03-01").out == "deployment 1 of GP03-PAR added\n"
        ended = loaded("deployments", "end", "GP03-PAR", "--at", "2024-03-02T00:00:00.5+01:00")
        assert ended.out == "deployment 1 of GP03-PAR ended at 2024-03-01T23:00:00.5Z\n"
        assert loaded("deployments", "remove", "GP03-PAR", "1", typed="n\n").code == 1
        assert loaded("deployments", "remove", "GP03-PAR", "1", "-y").out == "deployment 1 of GP03-PAR removed\n"
        assert "GP03-PAR" not in loaded("deployments", "list").out

    def test_it_ends_now(self, loaded: Any) -> None:
        with freeze_time("2024-06-01T12:00:00Z"):
            ended = loaded("deployments", "end", "GP03-CTD", "2")
        assert ended.out == "deployment 2 of GP03-CTD ended at 2024-06-01T12:00:00Z\n"

    def test_add_with_an_end(self, run: Any) -> None:
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
    def test_mistakes(self, loaded: Any, arguments: str, reason: str) -> None:
        before = loaded("deployments", "export").out
        assert loaded("deployments", *arguments.split()).mistake.startswith(reason)
        assert loaded("deployments", "export").out == before
