"""The command ``tsmon-agent``: its help, and mistakes that end it with one sentence."""

import asyncio
import fcntl
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tsmon_agent.own_mount import with_mount
from tests.tsmon_agent.running_agent import clean_environment
from tests.tsmon_agent.shell import Shell, as_process
from tsmon.stores.sqlite import SqliteStore


async def make_embedded_file(file: Path) -> None:
    async with SqliteStore(file):
        pass


def test_help_names_the_commands(agent: Shell) -> None:
    ran = agent("--help")
    assert ran.code == 0
    for command in ("run", "once", "check", "status", "db", "deployments", "migrate", "streams"):
        assert re.search(rf"\b{command}\b", ran.out)
    ran = agent("db", "--help")
    for command in ("check", "size", "backup"):
        assert re.search(rf"\b{command}\b", ran.out)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("run", ["--settings", "--print", "--verbose", "--expected"]),
        ("once", ["--settings"]),
        ("check", ["--settings"]),
        ("db check", ["--file", "--settings"]),
        ("db size", ["--file", "--settings"]),
        ("db backup", ["--file", "--settings", "DESTINATION"]),
        ("backup", ["DIR", "--only", "--replace", "--settings", "InfluxDB"]),
        ("restore", ["DIR", "--only", "--replace", "--dry-run", "--settings", "InfluxDB"]),
        ("status", ["--settings", "--json"]),
        ("migrate", ["--sql", "--settings", "up", "down", "current", "history"]),
        ("migrate up", ["VERSION", "--from", "--sql", "--settings"]),
        ("migrate down", ["VERSION", "--from", "--sql", "--yes", "--settings"]),
        ("streams load", ["FILE", "--dry-run", "--settings"]),
        ("streams list", ["--json", "--settings"]),
        ("streams show", ["REFDES", "--json", "--settings"]),
        ("streams export", ["--settings"]),
        ("streams enable", ["REFDES", "METHOD", "STREAM", "--settings"]),
        ("streams disable", ["REFDES", "METHOD", "STREAM", "--settings"]),
        ("streams remove", ["REFDES", "METHOD", "STREAM", "--yes", "--settings"]),
        ("deployments load", ["FILE", "--dry-run", "--settings"]),
        ("deployments list", ["REFDES", "--json", "--settings"]),
        ("deployments export", ["--settings"]),
        ("deployments add", ["REFDES", "NUMBER", "START", "END", "--settings"]),
        ("deployments end", ["REFDES", "NUMBER", "--at", "--settings"]),
        ("deployments remove", ["REFDES", "NUMBER", "--yes", "--settings"]),
    ],
)
def test_each_command_has_a_help_that_names_its_options(agent: Shell, command: str, options: list[str]) -> None:
    ran = agent(*command.split(), "--help")
    assert ran.code == 0
    for option in options:
        assert option in ran.out


@pytest.mark.parametrize("command", ["once", "--help"])
def test_commands_that_need_no_state_load_none_of_it(tmp_path: Path, command: str) -> None:
    program = (
        "import sys; from tsmon_agent.cli import main\n"
        f"sys.argv = ['tsmon-agent', {command!r}]\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "sys.exit(sys.modules.keys() & {'sqlalchemy', 'alembic'} or 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


class TestMistakes:
    """One sentence each, exit code 1."""

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("[agent]\nintervall = 1\n", "tsmon.toml:2: agent.intervall is not a setting; did you mean interval?"),
            ("[agent]\ninterval = 0\n", "tsmon.toml:2: agent.interval: "),
            ("[agent]\ninterval = 'often'\n", "tsmon.toml:2: agent.interval: "),
            ("[agent]\nsamplers = ['cpu', 'tea']\n", "tsmon.toml:2: agent.samplers"),
            ("[agent]\nhost = ''\n", "tsmon.toml:2: agent.host: "),
            ("[web]\nport = 70000\n", "tsmon.toml:2: web.port: "),
            ("[web]\nlisten = '0.0.0.0'\n", "tsmon.toml:"),
            ("[agent\n", "tsmon.toml:1: this is not valid TOML: "),
        ],
    )
    @pytest.mark.parametrize("command", ["run", "once", "check"])
    def test_settings(self, agent: Shell, command: str, text: str, sentence: str) -> None:
        agent.settings(text)
        assert agent(command).mistake.startswith(sentence)

    def test_settings_file_that_is_missing(self, agent: Shell) -> None:
        assert agent("run", "--settings", "none.toml").mistake == (
            "the settings file none.toml cannot be read: No such file or directory"
        )
        assert agent("run", TSMON_SETTINGS="none.toml").mistake == (
            "the settings file none.toml, named by TSMON_SETTINGS, cannot be read: No such file or directory"
        )

    def test_variable_that_is_not_a_setting(self, agent: Shell) -> None:
        assert "TSMON_AGENT__INTERVALL" in agent("run", TSMON_AGENT__INTERVALL="1").mistake
        assert "TSMON_INTERVAL" in agent("run", TSMON_INTERVAL="1").mistake

    def test_port_that_is_in_use(self, agent: Shell) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            agent.settings(f"[web]\nport = {port}\n")
            assert agent("run").mistake == (
                f"the pages cannot be shown on 127.0.0.1:{port}: another program uses this port; "
                "set web.port to a free one"
            )

    def test_data_directory_that_is_a_file(self, agent: Shell, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("no directory")
        sentence = agent("run").mistake
        assert str(tmp_path / "data" / "tsmon") in sentence
        assert "check the path and this user's access to it" in sentence

    def test_file_of_a_newer_version(self, agent: Shell, tmp_path: Path) -> None:
        file = tmp_path / "tsmon.db"
        agent.settings(f'[monitoring]\nfile = "{file}"\n')
        asyncio.run(make_embedded_file(file))
        assert agent("check").code == 0
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        for command in ("run", "check"):
            assert agent(command).mistake == (
                f"{file} was written by a newer tsmon (schema 99, this one knows 3); "
                "upgrade tsmon, or name another file"
            )

    def test_file_of_another_program(self, agent: Shell, tmp_path: Path) -> None:
        file = tmp_path / "cookies.db"
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE cookies (name TEXT)")
        connection.close()
        agent.settings(f'[monitoring]\nfile = "{file}"\n')
        assert agent("run").mistake == f"{file} is an SQLite file of another program; name another file"

    def test_second_agent_on_the_same_file(self, agent: Shell, tmp_path: Path) -> None:
        file = tmp_path / "tsmon.db"
        agent.settings(f'[monitoring]\nfile = "{file}"\n')
        with (tmp_path / "tsmon.db.lock").open("w") as lock:
            lock.write("4711")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert agent("run").mistake.startswith(f"{file} is being written by process 4711; stop it")

    def test_mistake_in_a_process_of_its_own(self, tmp_path: Path) -> None:
        """Nothing else is printed, such as by modules that are loaded or closed."""
        (tmp_path / "tsmon.toml").write_text("[agent]\nintervall = 1\n")
        ran = as_process(tmp_path, "run")
        assert ran.mistake == "tsmon.toml:2: agent.intervall is not a setting; did you mean interval?"

    def test_directory_that_may_not_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        ran = as_process(tmp_path, "run", prefix=with_mount(tmp_path / "data", "ro"))
        assert ran.mistake.startswith(f"{tmp_path / 'data' / 'tsmon' / 'tsmon.db'}: Read-only file system at ")
