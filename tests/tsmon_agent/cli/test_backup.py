"""``tsmon-agent backup`` and ``restore``, with the state in every database, while the points are written."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.postgresql import PostgreSQL
from tests.services.written_store import written_store
from tests.tsmon_agent.cli.inventory_tables import DEPLOYMENTS
from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.shell import Shell, as_process
from tsmon.spool import Destination, Spool
from tsmon.spool.inspection import find_queues, read_batches
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.handover import HandOver

LINES = b"cpu,host=a usage=1.5 1\ncpu,host=b usage=2.5 -1\nmem,host=a used=7i 1"
LISTS = (("streams", "export"), ("deployments", "export"), ("token", "list", "--json"))


def count_points(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT 'm' || id FROM measurements")]
        return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names)


def settings_of(file: Path) -> str:
    return f'[monitoring]\nfile = "{file}"\nspool_directory = "{file.parent / "spool"}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file of the embedded store that another part of this process is writing."""
    path = tmp_path / "here" / "tsmon.db"
    (tmp_path / "tsmon.toml").write_text(settings_of(path))
    with written_store(path, LINES):
        yield path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another place for points and state; its settings are in ``other.toml``."""
    target = tmp_path / "there" / "tsmon.db"
    (tmp_path / "other.toml").write_text(settings_of(target))
    return target


def read_lists(run: Callable[..., Any]) -> list[str]:
    return [run(*command).out for command in LISTS]


def test_everything_comes_back_on_either_database(
    loaded: Any, agent: Shell, file: Path, elsewhere: Path, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    """Streams, deployments, tokens, audit, and the points as they are while they are written."""
    assert loaded("token", "create", "eve", "--role", "see").code == 0
    ran = loaded("backup", "b1")
    assert (ran.code, ran.err) == (0, "")
    assert "state: audit_entries 3, deployments 2, expected_streams 3, tokens 1\n" in ran.out
    assert f"settings: a copy of {tmp_path / 'tsmon.toml'}\n" in ran.out
    assert ran.out.splitlines()[-1].startswith("b1: complete and verified, ")
    assert (tmp_path / "b1").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "b1").iterdir()} == {0o600}
    expected = read_lists(loaded)

    server = postgresql.url(postgresql.new_database())
    for url in (f"sqlite:///{tmp_path / 'there' / 'state.db'}", server):
        shutil.rmtree(elsewhere.parent, ignore_errors=True)

        def there(*arguments: str, url: str = url) -> Any:
            return agent(*arguments, "--settings", "other.toml", TSMON_STATE__URL=url)

        dry = there("restore", "b1", "--dry-run")
        assert "would restore state: " in dry.out
        assert not elsewhere.parent.exists(), "a dry run changes nothing"
        ran = there("restore", "b1")
        assert (ran.code, ran.err) == (0, "")
        assert "restored points: " in ran.out
        assert read_lists(there) == expected
        assert count_points(elsewhere) == 3
        assert there("db", "check").out == f"{elsewhere} is intact\n"
        entries = json.loads(there("audit", "--json").out)
        assert {"create a token", "load streams", "restore"} <= {one["action"] for one in entries}
        # New rows get numbers of their own.
        assert there("token", "create", "adam", "--role", "see").code == 0
        assert there(
            "deployments",
            "load",
            "-",
        ).code in (0, 1)


def test_nothing_is_overwritten_without_a_choice_and_nothing_is_lost_with_it(
    loaded: Any, agent: Shell, file: Path, elsewhere: Path, tmp_path: Path
) -> None:
    loaded("backup", "b1")
    before = {path: path.read_bytes() for path in (tmp_path / "b1").rglob("*") if path.is_file()}
    assert loaded("backup", "b1").mistake.startswith(f"{tmp_path / 'b1'} exists; name a new directory")
    (tmp_path / "mine").mkdir()
    assert "there is no manifest.json" in loaded("backup", "mine", "--replace").mistake
    assert "is not a directory; create it" in loaded("backup", "none/b1").mistake
    (tmp_path / "link").symlink_to("b1")
    assert "is a symbolic link" in loaded("backup", "link", "--replace").mistake
    assert {path: path.read_bytes() for path in (tmp_path / "b1").rglob("*") if path.is_file()} == before

    assert f"{file} is being written by process {os.getpid()}" in loaded("restore", "b1", "--replace").mistake

    def there(*arguments: str) -> Any:
        return agent(*arguments, "--settings", "other.toml")

    assert there("restore", "b1").code == 0
    (tmp_path / "more.csv").write_text("GP09,4,2024-01-01,\n")
    assert there("deployments", "load", "more.csv").code == 0
    changed = read_lists(there)
    assert f"{elsewhere} exists; with --replace it is renamed" in there("restore", "b1").mistake
    assert "has rows already (" in there("restore", "b1", "--only", "state").mistake
    assert read_lists(there) == changed
    ran = there("restore", "b1", "--replace")
    assert (ran.code, ran.err) == (0, "")
    assert read_lists(there) == read_lists(loaded)
    state, points = [Path(line.split(" kept in ")[1]) for line in ran.out.splitlines() if " kept in " in line]
    assert count_points(points) == 3
    # The way back.
    assert there("restore", str(state), "--replace").code == 0
    assert read_lists(there) == changed

    assert loaded("backup", "b1", "--replace", "--only", "state").code == 0
    assert sorted(path.name for path in (tmp_path / "b1").iterdir()) == ["manifest.json", "state.jsonl"]
    assert not list(tmp_path.glob("b1.replaced*"))


@pytest.mark.parametrize("name", ["points.db", "state.jsonl", "settings.toml", "manifest.json"])
def test_a_damaged_backup_is_refused_as_a_whole(
    agent: Shell, file: Path, elsewhere: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "d.csv").write_text(DEPLOYMENTS)
    agent("deployments", "load", "d.csv")
    agent("backup", "b1")
    damaged = tmp_path / "b1" / name
    content = damaged.read_bytes()
    damages: list[bytes | None] = [
        None,
        content[:-3],
        content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :],
    ]
    for damage in damages[: 2 if name == "manifest.json" else 3]:
        damaged.unlink(missing_ok=True)
        if damage is not None:
            damaged.write_bytes(damage)
        mistake = agent("restore", "b1", "--settings", "other.toml").mistake
        assert name in mistake
        assert not elsewhere.exists()
        assert not (elsewhere.parent / "state.db").exists()


def test_what_is_no_backup_or_of_a_later_version_is_refused(agent: Shell, file: Path, tmp_path: Path) -> None:
    assert "is not a directory" in agent("restore", "none").mistake
    (tmp_path / "b1.incomplete-1").mkdir()
    assert "is not complete or no backup" in agent("restore", "b1.incomplete-1").mistake
    assert agent("backup", "b1", "--only", "all").mistake == (
        "--only all: there are points, state, spool, settings"
    )
    agent("backup", "b1", "--only", "points")
    manifest = tmp_path / "b1" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"format": 1', '"format": 2'))
    assert "made by a newer tsmon (format 2)" in agent("restore", "b1").mistake
    manifest.write_text(text.replace('"points.db"', '"../tsmon.toml"'))
    assert "outside of the backup" in agent("restore", "b1").mistake


def test_a_backup_that_fails_leaves_nothing(agent: Shell, tmp_path: Path) -> None:
    agent.settings(settings_of(tmp_path / "tsmon.db"))
    assert "tsmon.db does not exist" in agent("backup", "b1").mistake
    (tmp_path / "tsmon.db").write_text("time,temp\n1,2\n")
    assert "was not made by tsmon" in agent("backup", "b1").mistake
    (tmp_path / "tsmon.db").unlink()
    (tmp_path / "h.lp").write_text("".join(f"m,a={n} v={n} {n}\n" for n in range(3000)))
    assert agent("import", "--keep", "h.lp").code == 0
    content = bytearray((tmp_path / "tsmon.db").read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    (tmp_path / "tsmon.db").write_bytes(content)
    assert "is damaged" in agent("backup", "b1").mistake
    assert not list(tmp_path.glob("b1*"))
    assert agent("backup", "b1", "--only", "state").out.startswith("state: no rows\n")


def test_lines_that_other_processes_handed_over_are_part_of_the_points(
    agent: Shell, file: Path, elsewhere: Path, tmp_path: Path
) -> None:
    HandOver(file).put(b"late v=1 5\nlate v=2 6")
    assert agent("backup", "b1", "--only", "points").code == 0
    assert agent("restore", "b1", "--settings", "other.toml").code == 0

    async def read() -> int:
        store = SqliteStore(elsewhere)
        await store.open_shared()
        await store.take_in()
        await store.close()
        return count_points(elsewhere)

    assert asyncio.run(read()) == 5


def test_points_in_influxdb_are_left_to_its_own_command_and_what_waits_for_it_is_taken(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path
) -> None:
    server = f"url = '{influxdb.url}'\nbucket = '{bucket}'\ntoken = '{influxdb.token}'\n"
    text = f"[monitoring]\n{server}spool_directory = '{tmp_path / 'spool'}'\n"
    agent.settings(text)
    destination = Destination(influxdb.url, influxdb.org, bucket)
    spool = Spool(tmp_path / "spool", destination, max_bytes=1_000_000)
    spool.open()
    spool.append(b"waits v=1 5", 1)
    letters = tmp_path / "spool" / "dead_letters" / f"{destination.directory_name}.jsonl"
    letters.parent.mkdir()
    letters.write_text('{"line":"m v=x"}\n')
    ran = agent("backup", "b1")
    assert ran.code == 0
    assert f"influx backup {tmp_path / 'influxdb'} --host {influxdb.url}" in ran.out
    assert "are NOT in this backup" in ran.out
    assert "spool: " in ran.out
    spool.close()

    agent.settings(text.replace(f"{tmp_path / 'spool'}", f"{tmp_path / 'other'}"))
    restored = agent("restore", "b1")
    assert restored.code == 0, restored
    assert "not restored: the points of InfluxDB" in restored.out
    assert "influx restore DIRECTORY" in restored.out
    [queue] = find_queues(tmp_path / "other")
    assert queue.destination == destination
    assert [batch for one in queue.segments for batch in read_batches(one.path)] == [b"waits v=1 5"]
    assert (tmp_path / "other" / "dead_letters" / letters.name).read_text() == letters.read_text()
    assert "spool: 0 queues" in agent("restore", "b1").out, "what waits already is not doubled"

    assert "would restore spool: 2 files" in agent("restore", "b1", "--dry-run").out
    agent.settings(text)
    agent("token", "create", "somebody", "--role", "see")
    assert agent("backup", "b2").code == 0
    (tmp_path / "taken").touch()
    agent.settings(
        text.replace(f"{tmp_path / 'spool'}", f"{tmp_path / 'taken'}") + '[state]\nurl = "sqlite:///new.db"\n'
    )
    failed = agent("restore", "b2")
    assert failed.code == 1
    assert "restored state: " in failed.err
    assert "but the spool could not be restored (" in failed.err
    assert "--only spool" in failed.err
    assert len(find_queues(tmp_path / "other")) == 1


def test_while_the_agent_runs(tmp_path: Path) -> None:
    """As processes: the backup of a running agent is whole, and only a stopped one is restored."""
    settings = f"{settings_of(tmp_path / 'tsmon.db')}flushing_period = 0.1\n[web]\nport = 0\n"
    with running_agent(tmp_path, settings) as agent:
        agent.wait(lambda one: (tmp_path / "tsmon.db").exists() and one.pipeline["written"] > 0)
        ran = as_process(tmp_path, "backup", "b1")
        assert (ran.code, ran.err) == (0, ""), ran
        assert as_process(tmp_path, "db", "check", "--file", "b1/points.db").code == 0
        refused = as_process(tmp_path, "restore", "b1", "--replace")
        assert f"is being written by process {agent.process.pid}" in refused.mistake
        assert agent.stop(signal.SIGTERM) == 0
    assert as_process(tmp_path, "restore", "b1", "--replace").code == 0
    assert 0 < count_points(tmp_path / "tsmon.db") == count_points(tmp_path / "b1" / "points.db")
