"""Log records by a file: where they go, after a reload too, and mistakes in it."""

import json
import logging
import sys
from pathlib import Path

import pytest

from tests.tsmon_agent.running_agent import RunningAgent, running_agent
from tests.tsmon_agent.shell import Shell
from tsmon_agent.logging_config import OneLine

QUIET = "[web]\nenabled = false\n[agent]\nsamplers = ['mem']\nlog_config = '{}'\n"


def log_config(log: Path, level: str = "INFO") -> dict[str, object]:
    return {
        "formatters": {"short": {"format": "<%(levelname)s> %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(log), "formatter": "short"}},
        "root": {"handlers": ["file"], "level": level},
    }


def text(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def reloaded(agent: RunningAgent, log: Path, times: int = 1) -> None:
    agent.hang_up()
    agent.wait(lambda _: text(log).count("the settings were reloaded") == times)


def test_json(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    (tmp_path / "log.json").write_text(json.dumps(log_config(log)))
    with running_agent(tmp_path, QUIET.format(tmp_path / "log.json")) as agent:
        reloaded(agent, log)
        assert "<INFO> the settings were reloaded" in text(log)
        assert agent.log == ""
        assert agent.stop() == 0


def test_toml_is_read_again_by_a_reload(tmp_path: Path) -> None:
    log, second = tmp_path / "agent.log", tmp_path / "second.log"
    lines = "\n[root]\nhandlers = ['file']\nlevel = 'INFO'\n"
    file = tmp_path / "log.toml"
    file.write_text(f"[handlers.file]\nclass = 'logging.FileHandler'\nfilename = '{log}'{lines}")
    with running_agent(tmp_path, QUIET.format(file)) as agent:
        reloaded(agent, log)
        file.write_text(file.read_text().replace(str(log), str(second)))
        reloaded(agent, second)
        assert text(log).count("reloaded") == 1
        assert agent.stop() == 0


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    """As programs that rotate logs do it."""
    log = tmp_path / "agent.log"
    (tmp_path / "log.json").write_text(json.dumps(log_config(log)))
    with running_agent(tmp_path, QUIET.format(tmp_path / "log.json")) as agent:
        reloaded(agent, log)
        log.rename(tmp_path / "agent.log.1")
        reloaded(agent, log)
        assert agent.stop() == 0


def test_a_mistake_in_a_reload_is_logged_as_before(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log_config(log)))
    with running_agent(tmp_path, QUIET.format(file)) as agent:
        file.write_text(json.dumps(log_config(tmp_path / "none" / "agent.log")))
        agent.hang_up()
        agent.wait(lambda _: "the settings were not reloaded" in text(log))
        assert "No such file or directory" in text(log)
        assert agent.stop() == 0


def test_without_the_setting_it_is_standard_error_again(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    (tmp_path / "log.json").write_text(json.dumps(log_config(log)))
    with running_agent(tmp_path, QUIET.format(tmp_path / "log.json")) as agent:
        agent.settings.write_text("[web]\nenabled = false\n[agent]\nsamplers = ['mem']\n")
        agent.hang_up()
        agent.wait(lambda one: "INFO tsmon: the settings were reloaded" in one.log)
        assert agent.stop() == 0


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("log.ini", "", "name a file that ends with .toml or .json"),
        ("log.json", None, "cannot be read: No such file or directory"),
        ("log.json", "{", "log.json: this is not valid JSON"),
        ("log.toml", "[", "log.toml: this is not valid TOML"),
        ("log.json", "[]", "expected an object"),
        ("log.json", '{"root": {"handlers": ["none"]}}', "log.json: Unable to configure root logger: "),
        ("log.json", '{"version": 7}', "Unsupported version"),
        ("log.json", '{"handlers": {"h": {"class": "no.such.Handler"}}}', "Unable to configure handler 'h'"),
        ("log.json", '{"handlers": 3}', "see Python's logging.config.dictConfig"),
    ],
)
def test_mistakes(agent: Shell, tmp_path: Path, name: str, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    agent.settings(QUIET.format(name))
    assert reason in agent("run").mistake


def test_a_message_stays_one_line_and_commands_no_terminal() -> None:
    formatter = OneLine("%(levelname)s %(message)s")
    name = "ctd\n2026-01-01 ERROR forged\x1b[2J\x9b31m\u202e"
    record = logging.LogRecord("tsmon", logging.INFO, "", 0, "a stream is new: %s", (name,), None)
    assert formatter.format(record) == (
        "INFO a stream is new: ctd\\n2026-01-01 ERROR forged\\x1b[2J\\x9b31m\\u202e"
    )


def test_a_traceback_keeps_its_lines_and_commands_no_terminal() -> None:
    try:
        raise ValueError("a\x1b[2J")
    except ValueError:
        record = logging.LogRecord("tsmon", logging.ERROR, "", 0, "it failed", (), sys.exc_info())
    said = OneLine("%(message)s").format(record)
    assert said.startswith("it failed\nTraceback (most recent call last):\n  File ")
    assert said.endswith("\nValueError: a\\x1b[2J")
