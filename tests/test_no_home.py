"""Users without a home, a name or a working directory, as containers have them.

No command and no Monitor fails from inside. A default without a place means memory only, logged once; what was
named explicitly and cannot be used is one sentence.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services.other_user import run_as_nobody
from tests.services.processes import free_port

ROOT = Path(__file__).parent.parent

HOMES: Final[dict[str, dict[str, str]]] = {
    "no HOME": {},
    "HOME is the root": {"HOME": "/"},
    "HOME is absent": {"HOME": "/nonexistent"},
    "HOME is empty": {"HOME": ""},
    "HOME is relative": {"HOME": "home", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"},
}
NAMED: Final = {"XDG_DATA_HOME": "/usr/lib", "XDG_STATE_HOME": "/usr/lib"}
"""Directories that are no default, and that this user may not write."""

COMMANDS: Final = """
tsmon check
tsmon lint {file}
tsmon schema
tsmon version
tsmon spool list
tsmon spool show x
tsmon spool replay
tsmon spool drop --all --yes
tsmon-agent once
tsmon-agent check
tsmon-agent status
tsmon-agent fresh
tsmon-agent available X
tsmon-agent import --dry-run {file}
tsmon-agent import {file}
tsmon-agent audit
tsmon-agent streams list
tsmon-agent streams load {file}
tsmon-agent deployments list
tsmon-agent deployments add A 1 2024-01-01
tsmon-agent token create x
tsmon-agent token list
tsmon-agent db check
tsmon-agent db size
tsmon-agent setup
tsmon-agent rollups rebuild
tsmon-agent migrate
tsmon-agent migrate current
"""

EACH_COMMAND = """
import contextlib, io, json, os, sys, tempfile, traceback
import tsmon.cli, tsmon_agent.cli
ALIKE = tuple("tsmon " + one for one in ("lint", "schema", "version")) + tuple(
    "tsmon-agent " + one for one in ("import", "setup", "once", "run"))
if sys.argv[2]:  # run in a directory that is deleted
    directory = tempfile.mkdtemp()
    os.chdir(directory)
    os.rmdir(directory)
found = {}
for line in json.loads(sys.argv[1]):
    stores = [] if line.startswith(ALIKE) else [{"STORE": "sqlite"}, {"URL": "http://127.0.0.1:9"}]
    for settings in ({}, *stores):
        for name in ("STORE", "URL"):
            os.environ.pop("TSMON_MONITORING__" + name, None)
        os.environ |= {"TSMON_MONITORING__" + name: value for name, value in settings.items()}
        sys.argv = line.split()
        out, err, code = io.TextIOWrapper(io.BytesIO()), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                (tsmon.cli if sys.argv[0] == "tsmon" else tsmon_agent.cli).main()
            except SystemExit as ended:
                code = ended.code or 0
                if isinstance(code, str):
                    print(code, file=err)
                    code = 1
            except BaseException:
                traceback.print_exc()
                code = 70
        found[" ".join([line, *settings.values()])] = [code, err.getvalue()]
print(json.dumps(found))
"""

MONITORS = """
import json, logging, pathlib, sys
from tsmon import Monitor, Request, SettingsError
from tsmon.settings import MonitoringSettings, load_settings

logged = []
class Keep(logging.Handler):
    def emit(self, record): logged.append(record.getMessage())
logging.getLogger("tsmon").addHandler(Keep())

point = Request(route="GET:/", status_code=200, request_id="a", execution_time=0.1)
counts = []
away = {"url": "http://127.0.0.1:9"}
for settings in (away, {"store": "sqlite"}, away | {"spool": "required"}):
    for _ in range(2):
        with Monitor(MonitoringSettings(**settings), service="s") as monitor:
            monitor.emit(point)
            if "store" in settings:
                monitor.flush(10)
            monitor.stop(timeout=0)
        counts.append([monitor.counts.accepted, monitor.counts.written, monitor.counts.dropped])
mistakes = []
for make in (
    lambda: MonitoringSettings(token_file="~/token"),
    lambda: MonitoringSettings(spool_directory="~/spool"),
    lambda: MonitoringSettings(file="~nobody-of-this-name/metrics.db"),
    lambda: load_settings("~/tsmon.toml"),
    lambda: load_settings("absent.toml"),
):
    try:
        mistakes.append(str(make()))
    except SettingsError as error:
        mistakes.append(str(error))
print(json.dumps([counts, logged, mistakes, repr(load_settings().monitoring.store)]))
"""


AGENT = """
import asyncio, json, logging, os, signal
from tsmon_agent.agent import Agent
from tsmon_agent.settings import Settings

logged = []
class Keep(logging.Handler):
    def emit(self, record): logged.append(record.getMessage())
logging.getLogger("tsmon").addHandler(Keep())

agent = Agent(Settings(web={"port": 0}, agent={"samplers": ["system"]}))
asyncio.run(agent.run(lambda: os.kill(os.getpid(), signal.SIGTERM)))
print(json.dumps([str(agent.context.store), logged]))
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that others may read and search, unlike pytest's, with a file of points."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "work"
        for one in (made.parent, made):
            one.mkdir(exist_ok=True)
            one.chmod(0o755)
        (made / "points.lp").write_text("a v=1 1\n")
        yield made


def run(directory: Path, program: str, *arguments: str, **environment: str) -> Any:
    given = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    given["TSMON_WEB__PORT"] = str(free_port())  # at the usual one, an agent of this machine may answer
    command = [sys.executable, "-P", "-c", program, *arguments]
    code, out, err = run_as_nobody(command, directory, given | environment)
    assert (code, err) == (0, "")
    return json.loads(out)


def check_commands(found: dict[str, list[Any]]) -> None:
    """Each command ends as it should, or with one sentence."""
    assert found
    for command, (code, err) in found.items():
        assert code in (0, 1, 3), (command, err)
        assert "Traceback" not in err, (command, err)
        assert "Error" not in err.replace("StoreError", ""), (command, err)
        if code == 1:
            assert err.count("\n") == 1, (command, err)
            assert err.startswith(("tsmon: ", "tsmon-agent: ")), (command, err)


@pytest.mark.parametrize("home", HOMES)
def test_every_command_works_or_ends_with_one_sentence(directory: Path, home: str) -> None:
    commands = COMMANDS.format(file=directory / "points.lp").strip().splitlines()
    if home not in ("no HOME", "HOME is the root"):
        commands = [one for one in commands if one.endswith(("check", "list", "size", "import", "replay"))]
    found = run(directory, EACH_COMMAND, json.dumps(commands), "", **HOMES[home])
    check_commands(found)
    if home == "no HOME":
        assert found["tsmon version"][0] == found["tsmon schema"][0] == found["tsmon-agent once"][0] == 0
    assert "there is no place for the embedded store's file, because " in found["tsmon check sqlite"][1]
    assert {path.name for path in directory.iterdir()} == {"points.lp"}


def test_a_directory_that_the_environment_names_is_no_default(directory: Path) -> None:
    commands = ["tsmon check", "tsmon-agent check", "tsmon-agent run"]
    found = run(directory, EACH_COMMAND, json.dumps(commands), "", **NAMED)
    check_commands(found)
    code, err = found["tsmon-agent run"]
    assert code == 1
    assert err == (
        "tsmon-agent: /usr/lib/tsmon/tsmon.db: Permission denied at /usr/lib/tsmon; check the path and this user's "
        "access to it\n"
    )


@pytest.mark.parametrize("deleted", ["", "deleted"])
def test_every_command_does_so_in_a_directory_that_cannot_be_searched(directory: Path, deleted: str) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    (closed / "tsmon.toml").write_text("[monitoring]\nstore = 'memory'\n")
    commands = COMMANDS.format(file=directory / "points.lp").strip().splitlines()
    home = directory / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    commands += ["tsmon check --settings absent.toml", "tsmon lint absent.lp", "tsmon-agent import absent.lp"]
    check_commands(run(closed, EACH_COMMAND, json.dumps(commands), deleted, HOME=str(home)))


@pytest.mark.parametrize("home", HOMES)
def test_a_monitor_runs_in_memory_and_logs_why_once(directory: Path, home: str) -> None:
    counts, logged, mistakes, store = run(directory, MONITORS, **HOMES[home])
    assert counts == [[1, 0, 1], [1, 0, 1], [1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1]]
    places = [message for message in logged if "there is no place for" in message]
    assert len(places) == len(set(places))
    assert len([message for message in places if "the embedded store's file" in message]) == 1
    if home in ("no HOME", "HOME is empty", "HOME is relative"):
        [message] = (message for message in places if "the spool" in message)
        assert message == (
            "there is no place for the spool, because this user has no home directory; points wait in memory only, "
            "and rejected ones are not kept; set monitoring.spool_directory"
        )
    assert store == "'auto'"
    assert len([mistake for mistake in mistakes if "\n" not in mistake]) == 5
    if home == "no HOME":
        reason = "~ cannot be expanded, because this user has no home directory; write the whole path"
        assert mistakes[:2] == [
            f"MonitoringSettings: {name}: {reason}" for name in ("token_file", "spool_directory")
        ]
        assert mistakes[2] == (
            "MonitoringSettings: file: ~nobody-of-this-name cannot be expanded, because there is no such user, "
            "or it has no home directory; write the whole path"
        )
        assert mistakes[3] == f"the settings file ~/tsmon.toml cannot be read: {reason}"


@pytest.mark.parametrize("home", ["no HOME", "HOME is the root"])
def test_an_agent_runs_in_memory_and_logs_why_once(directory: Path, home: str) -> None:
    store, logged = run(directory, AGENT, **HOMES[home])
    reason = "this user has no home directory" if home == "no HOME" else "/ is not writable"
    assert store == "the memory of this process"
    points, state = (message for message in logged if "there is no place for" in message)
    assert points == (
        f"there is no place for the embedded store's file, because {reason}; set monitoring.file; until then the "
        "newest 100,000 values are kept in memory"
    )
    assert state == (
        f"there is no place for the state, because {reason}; streams, deployments, tokens and the audit are kept "
        "only until this agent ends; set state.url"
    )
