"""The command ``tsmon-agent``: mistakes end it with one sentence, by its ``main`` or as a process of its own."""

import asyncio
import fcntl
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.own_mount import with_mount
from tests.tsmon_agent.running_agent import COMMAND, clean_environment, running_agent
from tests.tsmon_agent.shell import Ran, Shell, as_process
from tsmon.line_protocol import parse
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent.host.samplers import SAMPLERS


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


@pytest.mark.parametrize("command", ["once", "check", "--help"])
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

    def test_variable_that_is_no_setting(self, agent: Shell) -> None:
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
        assert agent("check").code == 0
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        for command in ("run", "check"):
            assert agent(command).mistake == (
                f"{file} was written by a newer tsmon (schema 99, this one knows 2); "
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
        """Nothing else is said on the way, as by modules that are loaded or closed."""
        (tmp_path / "tsmon.toml").write_text("[agent]\nintervall = 1\n")
        ran = as_process(tmp_path, "run")
        assert ran.mistake == "tsmon.toml:2: agent.intervall is not a setting; did you mean interval?"

    def test_directory_that_may_not_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        ran = as_process(tmp_path, "run", prefix=with_mount(tmp_path / "data", "ro"))
        assert ran.mistake.startswith(f"{tmp_path / 'data' / 'tsmon' / 'tsmon.db'}: Read-only file system at ")


class TestOnce:
    def test_one_round_of_all_samplers_is_printed(self, tmp_path: Path) -> None:
        (tmp_path / "tsmon.toml").write_text('[agent]\nhost = "here"\n[monitoring.tags]\nroom = "b2"\n')
        ran = as_process(tmp_path, "once")
        assert (ran.code, ran.err) == (0, "")
        points = list(parse(ran.out.encode()))
        assert {point.measurement for point in points} == set(SAMPLERS)
        assert {point.tags["host"] for point in points} == {"here"}
        assert {point.tags["room"] for point in points} == {"b2"}
        assert all(point.time_ns for point in points)
        assert not (tmp_path / "data").exists()

    def test_samplers_of_the_settings_alone(self, agent: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tsmon_agent.cli.once.PRIME_S", 0.1)
        agent.settings('[agent]\nsamplers = ["cpu", "mem"]\npercpu = false\n')
        ran = agent("once")
        assert ran.code == 0
        assert {line.split(",")[0] for line in ran.out.splitlines()} == {"cpu", "mem"}
        assert sum(line.startswith("cpu,") for line in ran.out.splitlines()) == 1

    def test_sampler_that_fails_is_named_and_costs_no_other(
        self, agent: Shell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: object) -> None:
            raise OSError("no such thing here")

        monkeypatch.setattr("tsmon_agent.cli.once.PRIME_S", 0.1)
        monkeypatch.setattr(SAMPLERS["swap"], "sample", fail)
        agent.settings('[agent]\nsamplers = ["swap", "mem"]\n')
        ran = agent("once")
        assert ran.code == 1
        assert [line.split(",")[0] for line in ran.out.splitlines()] == ["mem"]
        assert "the sampler swap failed: OSError: no such thing here" in caplog.text

    def test_reader_that_leaves_early_is_no_mistake(self, tmp_path: Path) -> None:
        ran = subprocess.run(
            ["sh", "-c", f'"{COMMAND}" once | head -c 1'],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, len(ran.stdout), ran.stderr) == (0, 1, "")


class TestPrint:
    def test_rounds_are_printed_until_the_end_and_nothing_is_stored(self, tmp_path: Path) -> None:
        settings = "[agent]\ninterval = 0.2\nsamplers = ['mem', 'cpu']\n"
        with running_agent(tmp_path, settings, "--print") as agent:
            agent.wait(lambda one: one.out.count("mem,") >= 3 and "cpu," in one.out)
            assert agent.stop() == 0
            assert agent.log == ""
            points = list(parse(agent.out.encode()))
        assert {point.measurement for point in points} == {"mem", "cpu"}
        assert not (tmp_path / "data").exists()

    def test_reader_that_leaves_ends_it(self, tmp_path: Path) -> None:
        (tmp_path / "tsmon.toml").write_text("[agent]\ninterval = 0.1\nsamplers = ['mem']\n")
        ran = subprocess.run(
            ["sh", "-c", f'"{COMMAND}" run --print | head -n 2'],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout.count("\n"), ran.stderr) == (0, 2, "")


class TestCheck:
    def test_embedded_store(self, agent: Shell, tmp_path: Path) -> None:
        agent.settings("[agent]\nsamplers = ['cpu', 'mem']\nintervals = {mem = 60}\n")
        assert agent("check") == Ran(
            0,
            "settings: fine; samplers: cpu every 10 s, mem every 60 s\n"
            f"store: SQLite file {tmp_path / 'data' / 'tsmon' / 'tsmon.db'} accepts points\n",
            "",
        )

    def test_server(self, agent: Shell, influxdb: InfluxDB, bucket: str) -> None:
        ran = agent("check", **server(influxdb.url, bucket, influxdb.token))
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.splitlines()[1].startswith("store: InfluxDB ")
        assert influxdb.token not in ran.out

    def test_wrong_token(self, agent: Shell, influxdb: InfluxDB, bucket: str) -> None:
        sentence = agent("check", **server(influxdb.url, bucket, "a-wrong-token")).mistake
        assert "token" in sentence
        assert "a-wrong-token" not in sentence

    def test_address_where_nobody_answers(self, agent: Shell) -> None:
        assert "http://127.0.0.1:9" in agent("check", **server("http://127.0.0.1:9", "b", "t")).mistake


def server(url: str, bucket: str, token: str) -> dict[str, str]:
    return {
        "TSMON_MONITORING__URL": url,
        "TSMON_MONITORING__BUCKET": bucket,
        "TSMON_MONITORING__TOKEN": token,
    }


LINES = b"cpu,host=a usage=1.5 1\ncpu,host=b usage=2.5 1\nmem,host=a used=7i 1"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file of the embedded store that another part of this process is writing."""
    path = tmp_path / "tsmon.db"
    (tmp_path / "tsmon.toml").write_text(f'[monitoring]\nfile = "{path}"\n')
    loop = asyncio.new_event_loop()
    store = SqliteStore(path)
    loop.run_until_complete(store.open())
    loop.run_until_complete(store.write(LINES))
    yield path
    loop.run_until_complete(store.close())
    loop.close()


class TestDb:
    """While the file is being written."""

    def test_check_of_a_whole_file(self, agent: Shell, file: Path) -> None:
        assert agent("db", "check") == Ran(0, f"{file} is intact\n", "")

    def test_size(self, agent: Shell, file: Path) -> None:
        ran = agent("db", "size")
        assert (ran.code, ran.err) == (0, "")
        sizes, total, *rows = ran.out.splitlines()
        assert sizes.startswith(f"{file}: {file.stat().st_size:,} bytes, plus ")
        assert total == "3 series, 3 rows"
        assert [row.split() for row in rows] == [["2", "cpu"], ["1", "mem"]]

    def test_backup_is_a_file_of_its_own(self, agent: Shell, file: Path, tmp_path: Path) -> None:
        ran = agent("db", "backup", "copy.db")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out == f"{file} copied to copy.db: {(tmp_path / 'copy.db').stat().st_size:,} bytes\n"
        assert agent("db", "check", "--file", "copy.db").out == "copy.db is intact\n"
        assert agent("db", "size", "--file", "copy.db").out.splitlines()[1] == "3 series, 3 rows"

    def test_backup_to_a_file_that_exists(self, agent: Shell, file: Path, tmp_path: Path) -> None:
        (tmp_path / "copy.db").write_text("precious")
        assert agent("db", "backup", "copy.db").mistake == "copy.db exists; name a file that does not"
        assert (tmp_path / "copy.db").read_text() == "precious"

    def test_backup_to_a_directory_that_does_not_exist(self, agent: Shell, file: Path) -> None:
        assert agent("db", "backup", "none/copy.db").mistake == (
            "none is not a directory; create it, or name another place for the copy"
        )

    @pytest.mark.parametrize("command", [["check"], ["size"], ["backup", "copy.db"]])
    def test_file_that_does_not_exist(self, agent: Shell, tmp_path: Path, command: list[str]) -> None:
        sentence = agent("db", *command).mistake
        assert sentence.startswith(f"{tmp_path / 'data' / 'tsmon' / 'tsmon.db'} does not exist")
        assert agent("db", *command, "--file", "none.db").mistake.startswith("none.db does not exist")
        assert not (tmp_path / "copy.db").exists()

    def test_check_of_a_damaged_file(self, agent: Shell, tmp_path: Path) -> None:
        (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + os.urandom(8192))
        sentence = agent("db", "check", "--file", "bad.db").mistake
        assert sentence.startswith("bad.db is damaged: ")
        assert agent("db", "size", "--file", "bad.db").mistake.startswith("bad.db is damaged")
