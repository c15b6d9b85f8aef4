"""``tsmon-agent migrate``: the schema of the state, on every database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.tsmon_agent.shell import Ran, Shell
from tsmon_agent.state import AuditEntry, Database
from tsmon_agent.state.urls import format_url, parse_url


@pytest.fixture
def name(state_url: str) -> str:
    return format_url(parse_url(state_url))


def audit(url: str) -> None:
    with Database(url) as database:
        database.run(lambda s: s.add(AuditEntry(time_ns=1, who="me", action="look", outcome="done")))


def execute(url: str, script: str) -> None:
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())


def test_one_command_creates_and_upgrades(run: Any, name: str, state_url: str) -> None:
    assert run("migrate") == Ran(0, f"{name}: version 0003, from base\n", "")
    assert run("migrate") == Ran(0, f"{name}: version 0003, as before\n", "")
    Database(state_url).migrate("0001")
    assert run("migrate").out.startswith(f"{name}: version 0003, from 0001\n")


def test_up_and_down_to_a_version(run: Any, name: str) -> None:
    assert run("migrate", "up", "1").out == f"{name}: version 0001, from base\n"
    assert run("migrate", "up").out.startswith(f"{name}: version 0003, from 0001\n")
    assert run("migrate", "down", "-1").out.startswith(f"{name}: version 0002, from 0003\n")
    assert run("migrate", "up", "+1").out.startswith(f"{name}: version 0003, from 0002\n")
    assert run("migrate", "down", "base").out.startswith(f"{name}: version base, from 0003\n")


def test_a_copy_of_a_file_is_named(run: Any, name: str, state_url: str) -> None:
    run("migrate")
    ran = run("migrate", "down", "0001")
    printed = ran.out.splitlines()[1:]
    if state_url.startswith("sqlite"):
        (line,) = printed
        assert Path(line.removesuffix(" is a copy of the file from before")).exists()
    else:
        assert printed == []


def test_current_and_history(run: Any, name: str, state_url: str) -> None:
    assert run("migrate", "current").out == f"{name}: version base, the newest is 0003\n"
    assert Database(state_url).read_version() == "base"
    run("migrate")
    assert run("migrate", "current").out == f"{name}: version 0003, the newest\n"
    assert run("migrate", "history").out.splitlines()[0].startswith("0001  Expected streams")


class TestLosses:
    def test_going_down_asks_first(self, run: Any, name: str, state_url: str) -> None:
        audit(state_url)
        ran = run("migrate", "down", "0001", typed="n\n")
        assert ran.code == 1
        assert "Version 0001 has no audit_entries (1 row). Remove the data in there?" in ran.out
        assert Database(state_url).read_version() == "0003"
        assert run("migrate", "down", "0001", typed="y\n").code == 0
        assert Database(state_url).read_version() == "0001"

    def test_without_a_confirmation_nothing_is_removed(self, run: Any, state_url: str) -> None:
        audit(state_url)
        assert run("migrate", "down", "base").code == 1
        assert Database(state_url).read_version() == "0003"

    def test_yes(self, run: Any, state_url: str) -> None:
        audit(state_url)
        assert run("migrate", "down", "base", "--yes").code == 0
        assert Database(state_url).read_version() == "base"


class TestSql:
    def test_whole_schema(self, run: Any, state_url: str) -> None:
        ran = run("migrate", "--sql")
        assert (ran.code, ran.err) == (0, "")
        assert Database(state_url).read_version() == "base"
        execute(state_url, ran.out)
        assert Database(state_url).read_version() == "0003"
        audit(state_url)

    def test_between_two_versions(self, run: Any, state_url: str) -> None:
        Database(state_url).migrate("0001")
        ran = run("migrate", "up", "2", "--from", "1", "--sql")
        assert "CREATE TABLE tokens" in ran.out
        assert "CREATE TABLE expected_streams" not in ran.out
        execute(state_url, ran.out)
        assert Database(state_url).read_version() == "0002"
        execute(state_url, run("migrate", "down", "1", "--from", "2", "--sql").out)
        assert Database(state_url).read_version() == "0001"
        execute(state_url, run("migrate", "down", "base", "--from", "1", "--sql").out)
        assert Database(state_url).read_version() == "base"

    def test_needs_no_database(self, agent: Shell, tmp_path: Path) -> None:
        assert agent("migrate", "--sql", TSMON_STATE__URL="postgresql://me@127.0.0.1:1/state").code == 0
        assert agent("migrate", "--sql").code == 0
        assert not (tmp_path / "data").exists()


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (
                "up 7",
                "there is no version 7 of the schema; there are base, 0001, 0002, 0003, head",
            ),
            ("down -5", "there is no version -5, counted from 0001, of the schema"),
            ("down 2", "version 0002 is up from 0001; use tsmon-agent migrate up 0002"),
            ("up base", "version base is down from 0001; use tsmon-agent migrate down base"),
            ("up --from 1", "--from goes with --sql"),
            ("--sql up", "options go after the command: tsmon-agent migrate up …"),
        ],
    )
    def test_one_sentence(self, run: Any, state_url: str, arguments: str, reason: str) -> None:
        Database(state_url).migrate("0001")
        assert run("migrate", *arguments.split()).mistake.startswith(reason)
        assert Database(state_url).read_version() == "0001"

    def test_a_database_that_is_away(self, agent: Shell) -> None:
        sentence = agent("migrate", TSMON_STATE__URL="postgresql://me:hidden-word@127.0.0.1:1/state").mistake
        assert sentence.endswith("start it, or correct state.url")
        assert "hidden-word" not in sentence

    def test_no_url(self, agent: Shell) -> None:
        assert "TSMON_STATE__URL: state.url: should be a URL" in agent("migrate", TSMON_STATE__URL="here").mistake
