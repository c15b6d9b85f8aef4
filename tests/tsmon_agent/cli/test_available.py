"""``tsmon-agent available``: the timeline on a terminal, and the formats for programs."""

import itertools
import json
import os
import pty
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.tsmon_agent.running_agent import COMMAND, clean_environment, running_agent
from tests.tsmon_agent.shell import Shell, agent
from tsmon.logs.safe_text import has_control_characters

__all__ = ["agent"]

S = 1_000_000_000
START = 1_700_000_000
NAME = "CE01-A"
EXPECTED = f"{NAME},streamed,ctd,0.1,60,600\n{NAME},recovered,\x1b[31mctd,,,\n".replace("\x1b", "")
DEPLOYED = f"{NAME},1,{START},{START + 100_000}\n{NAME},12,{START + 150_000},{START + 250_000}\n"
LAST = f"--end={START + 250_000}"


@pytest.fixture
def filled(agent: Shell, tmp_path: Path) -> Shell:
    """The first deployment has an outage of 0.2 % of all time and sparse data after it; the second has no data."""
    (tmp_path / "expected.csv").write_text(EXPECTED)
    (tmp_path / "deployed.csv").write_text(DEPLOYED)
    seconds = [*range(0, 40_000, 10), *range(40_500, 60_000, 10), *range(60_000, 100_000, 90)]
    lines = [f"ctd,reference_designator={NAME},method=streamed value=1 {(START + n) * S}\n" for n in seconds]
    (tmp_path / "data.lp").write_text("".join(lines))
    for command in ("streams load expected.csv", "deployments load deployed.csv", "import data.lp"):
        assert agent(*command.split()).code == 0
    return agent


def row(out: str, name: str) -> str:
    """The drawing of a row."""
    (line,) = [line for line in out.splitlines() if line.startswith(f"{name} ")]
    return line.removeprefix(name).strip(" ")


def test_rows_are_as_wide_as_the_terminal_and_the_shortest_gap_is_in_them(filled: Shell) -> None:
    for columns in (60, 80, 120):
        out = filled("available", NAME, LAST, COLUMNS=str(columns)).out
        drawn = row(out, "streamed ctd")
        assert len(next(line for line in out.splitlines() if line.startswith("streamed ctd "))) == columns
        assert drawn.count("x", 0, len(drawn) // 2) >= 1, "the outage is narrower than a cell, and is seen"
        assert set(drawn) == {"█", "▓", "░", "x", "·"}
        assert drawn.endswith("x" * (len(drawn) * 95 // 250))
        assert set(row(out, "deployments")) == {"1", "2", " "}
        assert all(len(line) <= columns for line in out.splitlines() if "█" in line)


def test_the_drawing_is_described_in_words(filled: Shell) -> None:
    out = filled("available", NAME, LAST).out
    assert out.startswith(f"{NAME}, 2023-11-14 22:13:20 to 2023-11-17 19:40:00 UTC\n"), out
    for words in ("Not\xa0Expected", "Present", "Sparsity\xa0Level\xa01", "Missing"):
        assert words in out
    assert "|15 Nov 2023" in out
    assert "streamed ctd: 20.0\xa0% present, 50.3\xa0% missing, 6,395 points, 15.55\xa0s apart on average" in out
    assert "\x1b" not in out


def test_a_terminal_gets_colours(filled: Shell, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**clean_environment(tmp_path), "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR")
    run = subprocess.Popen(
        [str(COMMAND), "available", NAME, LAST], cwd=tmp_path, env=environment, stdout=theirs, stdin=theirs
    )
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65_536):
            printed += part
    except OSError:
        pass  # Linux tells so that the other end is closed
    os.close(ours)
    assert run.wait() == 0
    assert b"\x1b[38;5;" in printed
    assert "█".encode() in printed


def test_ranges_filters_and_rules(filled: Shell) -> None:
    out = filled(
        "available", NAME, "--start", "2023-11-15", "--end", "2023-11-15T06:00:00Z", "--method", "streamed"
    ).out
    assert set(row(out, "streamed ctd")) == {"█"}
    assert "recovered" not in out
    wide = filled("available", NAME, LAST, "--stream", "ctd", "--gap-fraction", "0.01").out
    assert wide.count("x", 0, wide.index("·")) < filled("available", NAME, LAST, "--stream", "ctd").out.count("x")
    assert filled("available", NAME, LAST, "--preset", "bins").code == 0


def test_json_and_csv_are_what_the_agent_answers(filled: Shell, tmp_path: Path) -> None:
    query = f"?stop_time={START + 250_000}&method=streamed"
    arguments = ("available", NAME, LAST, "--method", "streamed")
    with running_agent(tmp_path, "[web]\nport = 0\n[agent]\nsamplers = 'cpu'\n") as running:
        running.wait(lambda one: one.get("/readyz")[0] == 200)
        assert json.loads(filled(*arguments, "--json").out) == running.get(f"/available/{NAME}{query}")[1]
        assert filled(*arguments, "--csv").out == running.get(f"/available/{NAME}{query}&format=csv")[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("CE01-B", "no stream is expected of 'CE01-B'; did you mean CE01-A?"),
        (f"{NAME} --stream none", f"no stream 'none' is expected of {NAME}; there are "),
        (
            f"{NAME} --start 2024-01-01 --end 2023-01-01",
            "the range ends before it starts; exchange --start and --stop",
        ),
        (f"{NAME} --start 2200-01-01", "the range ends before it starts; exchange --start and --stop"),
        (f"{NAME} --start soon", "'soon' is not a time"),
        (f"{NAME} --preset best", "there is no preset 'best'; there are exact, bins"),
        (f"{NAME} --gap-fraction 2", "gap_fraction is 2.0; give more than 0 and at most 1"),
    ],
)
def test_mistakes_are_one_sentence(filled: Shell, arguments: str, sentence: str) -> None:
    assert filled("available", *arguments.split()).mistake.startswith(sentence)


def test_disabled_streams_and_times_without_deployments(filled: Shell) -> None:
    assert filled("streams", "disable", NAME, "streamed").code == 0
    printed = filled("available", NAME, "--method", "streamed").mistake
    assert printed == "these streams are disabled; tsmon-agent streams enable enables them"
    assert filled("deployments", "remove", NAME, "1", "--yes").code == 0
    assert filled("deployments", "remove", NAME, "12", "--yes").code == 0
    assert (
        filled("available", NAME).out == f"nothing is expected of {NAME} then; see tsmon-agent deployments list\n"
    )
    assert time.time() > START


def test_deployments_are_drawn_even_if_all_streams_are_disabled(filled: Shell) -> None:
    for method in ("streamed", "recovered"):
        assert filled("streams", "disable", NAME, method).code == 0
    out = filled("available", NAME, LAST).out
    assert set(row(out, "deployments")) == {"1", "2", " "}
    assert "all of its streams are disabled; tsmon-agent streams enable enables them\n" in out
    (measure,) = json.loads(filled("available", NAME, LAST, "--json").out)["availability"]
    assert measure["measure"] == "Deployments"
    assert filled("available", NAME, LAST, "--csv").out.count("\n") == 1


@pytest.mark.parametrize("columns", ["", "abc", "0", "-3", "²", " 80"])
def test_an_invalid_width_is_ignored(filled: Shell, columns: str) -> None:
    out = filled("available", NAME, LAST, COLUMNS=columns).out
    assert len(next(line for line in out.splitlines() if line.startswith("streamed ctd "))) == 100


@pytest.mark.parametrize("columns", [1, 10, 20, 40])
def test_the_drawing_fits_a_narrow_terminal(filled: Shell, columns: int) -> None:
    out = filled("available", NAME, LAST, COLUMNS=str(columns)).out
    assert all(len(line) <= max(columns, 3) for line in out.splitlines() if "█" in line and "Present" not in line)


def test_the_legend_breaks_between_its_entries(filled: Shell) -> None:
    for columns in (30, 60, 80):
        lines = filled("available", NAME, LAST, COLUMNS=str(columns)).out.splitlines()
        first = next(at for at, line in enumerate(lines) if line.startswith("·\xa0"))
        legend = list(itertools.takewhile(lambda line: line[1:2] == "\xa0", lines[first:]))
        assert all(len(line) <= columns for line in legend)
        entries = [entry for line in legend for entry in line.split("  ")]
        assert [entry[0] for entry in entries] == ["·", "█", "▓", "▒", "░", "x"]


def test_a_number_and_its_unit_stay_on_one_line(filled: Shell) -> None:
    for columns in range(30, 110, 7):
        lines = filled("available", NAME, LAST, COLUMNS=str(columns)).out.splitlines()
        assert all(len(line) <= columns for line in lines)
        assert any("15.55\xa0s" in line for line in lines)


def test_names_cannot_control_the_terminal(filled: Shell, tmp_path: Path) -> None:
    """Such a name is refused now, but the state of an older version may have it."""
    wicked = "a\x9b2J\x1b[31m\u202eb"
    with closing(sqlite3.connect(next(tmp_path.rglob("state.db")))) as state, state:
        state.execute("UPDATE expected_streams SET stream = ?", (wicked,))
    shown = "a\\x9b2J\\x1b[31m\\u202eb"
    for command in ("streams list", "streams show CE01-A", "fresh", "available CE01-A"):
        out = filled(*command.split(), COLUMNS="200").out
        assert shown in out, command
        assert not has_control_characters(out.replace("\n", "")), command
    for command in ("streams list --json", "streams show CE01-A --json", "fresh --json"):
        out = filled(*command.split()).out
        assert not has_control_characters(out.replace("\n", "")), command
        assert json.loads(out), command
    assert json.loads(filled("streams", "list", "--json").out)[0]["stream"] == wicked
    (tmp_path / "expected.csv").write_text(f"CE01-A,streamed,{wicked},,,\n")
    assert "expected.csv:1: the stream is" in filled("streams", "load", "expected.csv").mistake
    assert not has_control_characters(filled("available", f"no{wicked}").mistake)
