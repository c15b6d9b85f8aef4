"""Settings from file and environment, and the sentences for mistakes in them."""

import os
import sys
import traceback
from pathlib import Path

import pytest

from tsmon import SettingsError
from tsmon.settings import Settings, load_settings
from tsmon_agent.settings import Settings as AgentsToo

SECRET = "s3cr3t-t0ken"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.upper().startswith("TSMON_"):
            monkeypatch.delenv(name)


def written(text: str, name: str = "tsmon.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(text: str | None = None) -> list[str]:
    path = written(text) if text is not None else None
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    return str(caught.value).split("\n")


def test_without_file_and_variables_there_are_defaults() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.monitoring.address == "http://localhost:8086"
    assert settings.monitoring.flushing_period == 1.0


def test_the_file_in_the_working_directory_is_read_by_default() -> None:
    written('[monitoring]\nbucket = "größe"\nport = 1234\n')
    settings = load_settings().monitoring
    assert (settings.bucket, settings.port) == ("größe", 1234)


def test_a_named_file_wins_over_the_one_that_the_variable_names_and_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written("[monitoring]\nport = 1\n")
    written("[monitoring]\nport = 2\n", "two.toml")
    written("[monitoring]\nport = 3\n", "three.toml")
    assert load_settings().monitoring.port == 1
    monkeypatch.setenv("TSMON_SETTINGS", str(tmp_path / "two.toml"))
    assert load_settings().monitoring.port == 2
    assert load_settings("three.toml").monitoring.port == 3
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TSMON_SETTINGS", "~/three.toml")
    assert load_settings().monitoring.port == 3


def test_variables_win_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    path = written('[monitoring]\nport = 1\nbucket = "b"\n[monitoring.tags]\nzone = "west"\n')
    monkeypatch.setenv("TSMON_MONITORING__PORT", "2")
    monkeypatch.setenv("TSMON_MONITORING__TAGS__RACK", "7")
    settings = load_settings(path).monitoring
    assert (settings.port, settings.bucket) == (2, "b")
    assert settings.tags == {"zone": "west", "rack": "7"}


@pytest.mark.parametrize("token", [SECRET, "12345", '{"a": 1}', "[1]", "null", "true"])
def test_a_token_is_taken_from_its_variable_as_it_is(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("TSMON_MONITORING__TOKEN", token)
    assert load_settings().monitoring.token.get_secret_value() == token


@pytest.mark.parametrize("text", ["a,b", " a , b,, ", '["a", "b"]'])
def test_a_list_may_be_one_text_with_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TSMON_MONITORING__TAGS_AS_FIELDS", text)
    assert load_settings().monitoring.tags_as_fields == ["a", "b"]
    monkeypatch.delenv("TSMON_MONITORING__TAGS_AS_FIELDS")
    path = written('[monitoring]\ntags_as_fields = "a, b"\n')
    assert load_settings(path).monitoring.tags_as_fields == ["a", "b"]


def test_every_mistake_is_named_with_file_line_and_remedy() -> None:
    found = mistakes(
        """\
# settings
[monitoring]  # where points go
port = 0
tokn = "x"

on_invalid = "ignore"
tags_as_fields = [
  "a",
  5,
]

[monitoring.tags]
zone = 5

[agent]
interval = "soon"

[pages]
port = 1
"""
    )
    assert sorted(found, key=lambda line: int(line.split(":")[1])) == [
        "tsmon.toml:3: monitoring.port: should be greater than or equal to 1",
        "tsmon.toml:4: monitoring.tokn is not a setting; did you mean token?",
        "tsmon.toml:6: monitoring.on_invalid: should be 'raise' or 'drop'",
        "tsmon.toml:7: monitoring.tags_as_fields.1: should be a valid string",
        "tsmon.toml:13: monitoring.tags.zone: should be a valid string",
        "tsmon.toml:16: agent.interval: should be a valid number, unable to parse string as a number",
        f"tsmon.toml:18: pages is not a setting; there are {', '.join(sorted(AgentsToo.model_fields))}",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("monitoring.port = 0", 1),
        ("monitoring = { port = 0 }", 1),
        ("\n\n[monitoring]\n'port' = 0", 4),
        ('["monitoring"]\n"port" = 0', 2),
        ('[monitoring]\nbucket = """\nport = 5\n"""\nport = 0', 5),
        ("[ monitoring ]\r\norganization = 'port = 1'\r\nport = 0\r\n", 3),
        ("[web]\nport = 1\n[monitoring]\nport = 0", 4),
        ("[monitoring]\ntags.port = 'x'\nport = 0", 3),
    ],
)
def test_the_line_is_found_however_the_key_is_written(text: str, line: int) -> None:
    assert mistakes(text) == [f"tsmon.toml:{line}: monitoring.port: should be greater than or equal to 1"]


def test_a_mistake_in_a_variable_is_named_by_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_MONITORING__PORT", "many")
    monkeypatch.setenv("tsmon_monitoring__tokn", "x")
    assert sorted(mistakes("[monitoring]\nport = 1\n")) == [
        "TSMON_MONITORING__PORT: monitoring.port: should be a valid integer, unable to parse string as an integer",
        "tsmon_monitoring__tokn: monitoring.tokn is not a setting; did you mean token?",
    ]


def test_a_mistake_of_a_whole_section_names_all_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_MONITORING__TOKEN_FILE", "/run/token")
    assert mistakes(f'[web]\n\n[monitoring]\ntoken = "{SECRET}"\n') == [
        "tsmon.toml:3, TSMON_MONITORING__TOKEN_FILE: monitoring: token and token_file are both set; choose one"
    ]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("TSMON_MONITORING_TOKEN", "did you mean TSMON_MONITORING__TOKEN?"),
        ("TSMON_TOKEN", "they are named like TSMON_MONITORING__TOKEN"),
        ("TSMON_AGENT_INTERVAL", "did you mean TSMON_AGENT__INTERVAL?"),
    ],
)
def test_a_variable_that_is_no_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, remedy: str) -> None:
    monkeypatch.setenv(name, SECRET)
    assert mistakes() == [f"the environment variable {name} is not a setting; {remedy}"]


def test_variables_of_tests_and_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TSMON_TEST_INFLUXD", "TSMONITOR", "MY_TSMON_MONITORING"):
        monkeypatch.setenv(name, "x")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("text", "line"),
    [("[monitoring", 1), ("[monitoring]\nport = 1\nport = 2\n", 3), ("a = 'b\n", 1), ("[monitoring]\n\nport =", 3)],
)
def test_broken_toml_is_named_by_its_line(text: str, line: int) -> None:
    [sentence] = mistakes(text)
    assert sentence.startswith(f"tsmon.toml:{line}: this is not valid TOML: ")
    assert "(at " not in sentence


def test_a_section_written_as_a_value_is_recognised() -> None:
    assert mistakes("monitoring = 5\n") == [
        "tsmon.toml:1: monitoring is a section; write [monitoring] and its keys below"
    ]


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^the settings file nowhere\.toml cannot be read: No such file"):
        load_settings("nowhere.toml")
    monkeypatch.setenv("TSMON_SETTINGS", str(tmp_path))
    with pytest.raises(SettingsError, match="named by TSMON_SETTINGS, cannot be read: Is a directory"):
        load_settings()
    Path("latin.toml").write_bytes(b'a = "\xe9"')
    with pytest.raises(SettingsError, match=r"latin\.toml cannot be read: byte 0xe9 at position 6 is not UTF-8"):
        load_settings("latin.toml")


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    Path("tsmon.toml").write_bytes(b"\xef\xbb\xbf[monitoring]\nport = 5\n")
    assert load_settings().monitoring.port == 5


@pytest.mark.parametrize(
    "text",
    [
        f'[monitoring]\ntoken = ["{SECRET}"]\n',
        f'[monitoring]\ntoken = {{ value = "{SECRET}" }}\n',
        f'[monitoring]\ntoken = "{SECRET}"\ntoken_file = "x"\n',
        f'[monitoring]\ntoken = "{SECRET}"\nport = 0\n',
        f'[monitoring]\nurl = "http://user:{SECRET}@localhost:8086"\n',
        f'[monitoring]\nproxy = "ftp://user:{SECRET}@localhost:8086"\n',
        f'[monitoring]\ntoken = "{SECRET}"\n[monitoring]\n',
    ],
)
def test_no_mistake_shows_a_secret_not_even_in_a_traceback_with_variables(text: str) -> None:
    path = written(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    below = caught.value.__traceback__
    assert below is not None
    shown = traceback.TracebackException(SettingsError, caught.value, below.tb_next, capture_locals=True)
    report = "".join(shown.format())
    assert SECRET not in report
    assert "load_settings" in report
    assert caught.value.__context__ is None


def test_secrets_are_masked_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_MONITORING__TOKEN", SECRET)
    monkeypatch.setenv("TSMON_MONITORING__PROXY", f"http://user:{SECRET}@proxy:3128")
    settings = load_settings()
    shown = [
        repr(settings),
        str(settings),
        repr(settings.monitoring),
        f"{settings.monitoring}",
        str(settings.model_dump()),
        settings.model_dump_json(),
    ]
    assert not [text for text in shown if SECRET in text]


def test_reading_settings_does_not_load_the_web_or_the_stores() -> None:
    script = "import sys, tsmon.settings; sys.exit(len({'aiohttp', 'sqlite3', 'apscheduler'} & set(sys.modules)))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", script]) == 0
