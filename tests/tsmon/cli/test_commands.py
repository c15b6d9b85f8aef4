"""The command ``tsmon``: once as a process of its own, else by its ``main``."""

import importlib.metadata
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.cli import main

COMMAND = Path(sys.executable).with_name("tsmon")


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """The one sentence of a user's mistake."""
        assert (self.code, self.out) == (1, ""), self
        assert self.err.startswith("tsmon: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("tsmon: ").rstrip("\n")


@dataclass
class Shell:
    """Runs the command in an empty directory, with no settings but those given."""

    directory: Path
    capsys: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, text: bytes = b"", **variables: str) -> Ran:
        self.capsys.readouterr()
        with self.patch.context() as patch:
            for variable in os.environ:
                if variable.startswith("TSMON_"):
                    patch.delenv(variable)
            patch.setenv("NO_COLOR", "1")
            patch.setenv("TERM", "dumb")
            patch.setenv("XDG_DATA_HOME", str(self.directory))
            for variable, value in variables.items():
                patch.setenv(variable, value)
            patch.chdir(self.directory)
            patch.setattr(sys, "argv", ["tsmon", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self.capsys.readouterr()
        if isinstance(ended.value.code, str):
            return Ran(1, out, f"{err}{ended.value.code}\n")
        return Ran(ended.value.code or 0, out, err)


@pytest.fixture
def tsmon(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, capsys, monkeypatch)


def test_installed_command_tells_its_version_and_a_mistake_in_one_sentence(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TSMON_")}
        return subprocess.run(
            [str(COMMAND), *arguments], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )

    version = run("version")
    assert (version.returncode, version.stdout) == (0, f"{importlib.metadata.version('tsmon')}\n")
    mistake = run("check", "--settings", "none.toml")
    assert (mistake.returncode, mistake.stdout) == (1, "")
    assert mistake.stderr == "tsmon: the settings file none.toml cannot be read: No such file or directory\n"


def test_help_names_the_commands(tsmon: Shell) -> None:
    ran = tsmon("--help")
    assert ran.code == 0
    for word in ("check", "lint", "version"):
        assert word in ran.out


@pytest.mark.parametrize("command", ["check", "lint", "version"])
def test_each_command_has_a_help(tsmon: Shell, command: str) -> None:
    ran = tsmon(command, "--help")
    assert ran.code == 0
    assert command in ran.out


def test_lint_counts_good_points(tsmon: Shell, tmp_path: Path) -> None:
    (tmp_path / "good.lp").write_text('cpu,host=a usage=1.5 1\n# a comment\n\nlog text="two\nlines" 2\n')
    assert tsmon("lint", "good.lp") == Ran(0, "good.lp: 2 points, all valid\n", "")


def test_lint_reads_standard_input(tsmon: Shell) -> None:
    assert tsmon("lint", "-", text=b"cpu usage=1 1\n") == Ran(0, "standard input: 1 points, all valid\n", "")


def test_lint_names_the_first_bad_line(tsmon: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.lp").write_text("cpu usage=1 1\ncpu usage=1 2\ncpu usage= 3\ncpu\n")
    sentence = tsmon("lint", "bad.lp").mistake
    assert sentence.startswith("bad.lp: line 3: ")
    assert sentence.endswith("(2 points before it are valid)")


def test_lint_of_what_is_no_text_names_the_line(tsmon: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.lp").write_bytes(b"cpu usage=1 1\n\xff\xfe\x00\n")
    assert tsmon("lint", "bad.lp").mistake.startswith("bad.lp: line 2: ")


@pytest.mark.parametrize(("file", "reason"), [("none.lp", "No such file or directory"), (".", "Is a directory")])
def test_lint_of_what_cannot_be_read(tsmon: Shell, file: str, reason: str) -> None:
    assert tsmon("lint", file).mistake == f"{file} cannot be read: {reason}; name a file of line protocol"


def test_check_without_a_store_says_what_to_set(tsmon: Shell) -> None:
    sentence = tsmon("check").mistake
    assert "no store is set" in sentence
    assert "TSMON_MONITORING__URL" in sentence


def test_check_of_a_mistake_names_file_and_line(tsmon: Shell, tmp_path: Path) -> None:
    (tmp_path / "tsmon.toml").write_text("[monitoring]\n\nbuckett = 'x'\n")
    sentence = tsmon("check").mistake
    assert sentence == "tsmon.toml:3: monitoring.buckett is not a setting; did you mean bucket?"


def test_check_of_the_embedded_store(tsmon: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tsmon" / "tsmon.db"
    ran = tsmon("check", TSMON_MONITORING__STORE="sqlite")
    assert ran == Ran(
        0, f"the settings are valid, and SQLite file {file} does not exist yet and can be created\n", ""
    )


def of(influxdb: InfluxDB, bucket: str, token: str | None = None) -> dict[str, str]:
    return {
        "TSMON_MONITORING__URL": influxdb.url,
        "TSMON_MONITORING__BUCKET": bucket,
        "TSMON_MONITORING__TOKEN": token or influxdb.token,
    }


def test_check_of_a_server(tsmon: Shell, influxdb: InfluxDB, bucket: str) -> None:
    ran = tsmon("check", **of(influxdb, bucket))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("the settings are valid, and InfluxDB ")
    assert ran.out.endswith(" accepts points\n")
    assert influxdb.token not in ran.out


def test_check_with_a_wrong_token(tsmon: Shell, influxdb: InfluxDB, bucket: str) -> None:
    sentence = tsmon("check", **of(influxdb, bucket, "a-wrong-token")).mistake
    assert "token" in sentence
    assert "a-wrong-token" not in sentence


def test_check_of_a_bucket_that_is_missing(tsmon: Shell, influxdb: InfluxDB) -> None:
    assert "no-such-bucket" in tsmon("check", **of(influxdb, "no-such-bucket")).mistake


def test_check_of_an_address_where_nobody_answers(tsmon: Shell) -> None:
    assert "http://127.0.0.1:9" in tsmon("check", TSMON_MONITORING__URL="http://127.0.0.1:9").mistake


@pytest.mark.parametrize("path", ["metrics.db", "mistyped/path/metrics.db"])
def test_checking_creates_nothing(tsmon: Shell, path: str) -> None:
    ran = tsmon("check", TSMON_MONITORING__STORE="sqlite", TSMON_MONITORING__FILE=path)
    assert (ran.code, ran.out) == (
        0,
        f"the settings are valid, and SQLite file {path} does not exist yet and can be created\n",
    )
    assert list(tsmon.directory.iterdir()) == []


def test_checking_finds_a_path_that_cannot_be_created(tsmon: Shell) -> None:
    (tsmon.directory / "file").write_text("")
    ran = tsmon("check", TSMON_MONITORING__STORE="sqlite", TSMON_MONITORING__FILE="file/metrics.db")
    assert ran.mistake.startswith("file/metrics.db cannot be created, because ")
    assert ran.mistake.endswith("/file is a file; name another path")


@pytest.mark.parametrize("host", ["http://db", "a:8086"])
def test_a_host_with_scheme_or_port_is_one_sentence(tsmon: Shell, host: str) -> None:
    ran = tsmon("check", TSMON_MONITORING__HOST=host)
    assert ran.mistake == (
        "TSMON_MONITORING__HOST: monitoring.host: should be a name or an address alone, such as localhost; "
        "give the port as port, a whole address as url"
    )
