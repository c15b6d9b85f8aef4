"""``tsmon-agent retention`` and ``rollups drop``: what is about to be removed is shown, and removed on command."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.shell import Shell
from tsmon.stores import Selector
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS

QUIET = "[web]\nenabled = false\n[agent]\nsamplers = []\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with forty days of two series, of which the first is kept as a stream's."""
    file = tmp_path / "data" / "tsmon" / "tsmon.db"

    async def fill() -> None:
        async with SqliteStore(file, tiers=DEFAULT_TIERS) as store:
            now_ns = time.time_ns()
            times = [now_ns - day * DAY_NS - HOUR_NS for day in range(40)]
            await store.write("\n".join(f"ctd,site={site} v=1 {at}" for site in "ab" for at in times).encode())
            await store.keep_streams([Selector("ctd", "v", {"site": "a"})])
            await store.refresh_rollups()

    asyncio.run(fill())
    return file


def test_shown_then_applied_on_command_only(agent: Shell, file: Path) -> None:
    agent.settings(
        f"{QUIET}[monitoring]\nretention_days = 10\n[rollups]\ntiers = {{ '1h' = '20d', '1d' = 'forever' }}\n"
    )
    shown = agent("retention", "show")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0] == f"SQLite file {file}: points are kept for ever"
    assert lines[1] == "points of expected streams are kept for ever"
    assert "removes 30 rows (ctd 30) from before" in lines[2]
    assert 'rollups.tiers "1h" keeps rollups of 1h for 20 days, so far they were kept for 400 days' in lines[3]
    assert [one.split()[2] for one in lines[4:6]] == ["1m", "15m"]
    assert lines[6:] == ["kept as an expected stream: ctd,site=a"]
    checked = agent("check").out
    for part in lines[2:6]:
        assert f"retention: {part.partition(' from before')[0]}" in checked
    asked = agent("retention", "apply", typed="n\n")
    assert asked.code == 1
    assert "It cannot be undone" in asked.out
    assert len(read_rows(file, "ctd")) == 80
    applied = agent("retention", "apply", "--yes")
    assert applied.out.startswith("removed 30 points (ctd 30) and ")
    assert "1h 40" in applied.out
    assert len(read_rows(file, "ctd")) == 50
    assert "points are kept for 10 days" in agent("retention", "show").out
    assert agent("retention", "apply").out == f"SQLite file {file}: nothing is about to become shorter\n"


def test_a_running_agent_applies_what_is_confirmed_beside_it(agent: Shell, tmp_path: Path, file: Path) -> None:
    agent.settings(f"{QUIET}[monitoring]\nretention_days = 10\n")
    with running_agent(tmp_path, (tmp_path / "tsmon.toml").read_text()) as running:
        running.wait(lambda one: "is applied on" in one.log)
        ran = agent("retention", "apply", "--yes")
        assert ran.out == f"confirmed; the agent that writes SQLite file {file} applies it within ten minutes\n"
        assert "it is confirmed, and the agent applies it within ten minutes" in agent("check").out
        assert len(read_rows(file, "ctd")) == 80
    with running_agent(tmp_path, (tmp_path / "tsmon.toml").read_text()) as running:
        running.wait(lambda one: "retention has removed 30 points (ctd 30)" in one.log)
    assert len(read_rows(file, "ctd")) == 50


def test_series_are_released_when_no_stream_is_expected_of_them(agent: Shell, tmp_path: Path, file: Path) -> None:
    agent.settings(QUIET)
    assert "b is not kept as a stream" in agent("retention", "release", "ctd,site=b", "--yes").mistake
    (tmp_path / "expected.csv").write_text('refdes,method,stream,selector\nA,m,s,"ctd,site=a v"\n')
    agent("streams", "load", "expected.csv")
    assert (
        "a stream is expected of ctd,site=a; remove it first" in agent("retention", "release", "ctd,site=a").mistake
    )
    agent("streams", "remove", "A", "--yes")
    assert (
        agent("retention", "release", "ctd,site=a", "--yes").out == "ctd,site=a is kept for 14 days from now on\n"
    )
    assert "kept as an expected stream" not in agent("retention", "show").out
    assert agent("retention", "apply", "--yes").out.startswith("removed 52 points (ctd 52)")


def test_a_tier_is_dropped_when_the_settings_do_not_name_it(agent: Shell, tmp_path: Path, file: Path) -> None:
    agent.settings(QUIET)
    assert "15m is in rollups.tiers; remove it there first" in agent("rollups", "drop", "15m").mistake
    agent.settings(f"{QUIET}[rollups]\nenabled = false\n")
    with running_agent(tmp_path, (tmp_path / "tsmon.toml").read_text()):
        pass
    assert "rollups of 15m are not in the settings; they stay" in agent("check").out
    assert (
        "there are no rollups of 2h; there are 1m, 15m, 1h, 1d" in agent("rollups", "drop", "2h", "--yes").mistake
    )
    assert "'2x' is not a duration" in agent("rollups", "drop", "2x").mistake
    assert agent("rollups", "drop", "15m", typed="n\n").code == 1
    assert agent("rollups", "drop", "15m", "--yes").out == f"SQLite file {file}: no rollups of 15m any more\n"
    assert "rollups of 15m" not in agent("check").out


def test_without_a_file_there_is_one_sentence(agent: Shell) -> None:
    for command in (("show",), ("apply",), ("release", "m")):
        assert "holds nothing yet, or has a retention of its own" in agent("retention", *command).mistake
    assert "does not exist" in agent("rollups", "drop", "2h", "--yes").mistake
