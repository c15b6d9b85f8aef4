"""A SQLite file of another program never becomes the state; a file that is deleted or replaced is noticed."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.tsmon.stores.sqlite.test_file_mark import places, places_with_log, table
from tests.tsmon.stores.sqlite.test_unopened_check import filled, snapshot
from tsmon.errors import StateError, StateUnavailableError
from tsmon_agent.state import AuditEntry, Database, State


def add(session: Session) -> None:
    session.add(AuditEntry(time_ns=1, who="me", action="look", outcome="done"))


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize("make", [table, places, places_with_log])
def test_another_programs_file_is_left_as_it_is(tmp_path: Path, make: Callable[[Path], None]) -> None:
    file = tmp_path / "state" / "state.db"
    file.parent.mkdir()
    make(file)
    before = snapshot(file.parent)
    database = Database(file)
    for use in (database.open, database.read_version, database.check_file, lambda: database.run(count)):
        with pytest.raises(
            StateError, match=r"state\.db (was not made by tsmon|is an SQLite file of another program)"
        ):
            use()
    for version in ("0001", "base"):
        with pytest.raises(StateError, match=r"not made by tsmon|of another program"):
            database.migrate(version)
    assert snapshot(file.parent) == before


async def test_a_file_with_points_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path / "tsmon.db")
    with pytest.raises(StateError, match=r"tsmon\.db is a file of the embedded store, with points"):
        Database(tmp_path / "tsmon.db").open()


def test_a_database_without_tables_is_taken(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("VACUUM")
    with Database(tmp_path / "state.db") as database:
        database.run(add)


def test_a_state_whose_tables_are_in_its_log_is_taken(tmp_path: Path) -> None:
    with Database(tmp_path / "origin.db") as origin:
        origin.run(add)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"origin.db{suffix}", tmp_path / f"state.db{suffix}")
    with Database(tmp_path / "state.db") as database:
        assert database.run(count) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_a_deleted_file_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: bool) -> None:
    file = tmp_path / "a" / "state.db"
    with Database(file) as database:
        database.run(add)
        shutil.rmtree(file.parent) if whole else file.unlink()
        database.verify()
        assert f"{file} was deleted or moved while it was in use; a new file is started" in caplog.text
        assert database.run(count) == 0
        database.run(add)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM audit_entries").fetchone() == (1,)
    assert [path.name for path in file.parent.iterdir()] == ["state.db"]


@pytest.mark.parametrize("open_elsewhere", [False, True])
def test_a_file_that_is_put_in_its_place_is_opened(tmp_path: Path, open_elsewhere: bool) -> None:
    file, other = tmp_path / "state.db", tmp_path / "other.db"
    with Database(file) as database, Database(other) as second:
        database.run(add)
        for _ in range(3):
            second.run(add)
        if not open_elsewhere:
            second.close()
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{other}{suffix}").exists():
                Path(f"{other}{suffix}").rename(f"{file}{suffix}")
        assert database.run(count) == 3
        database.run(add)
    with Database(file) as again:
        assert again.run(count) == 4


def test_a_change_that_is_under_way_goes_into_the_new_file(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    deletions = iter([True])

    def work(session: Session) -> None:
        add(session)
        if next(deletions, False):
            file.unlink()

    with Database(file) as database:
        database.run(work)
        assert database.run(count) == 1
        deletions = iter([True] * 100)
        with pytest.raises(StateUnavailableError, match="deleted or replaced again and again"):
            database.run(work)


async def test_the_state_of_an_event_loop_notices_it_too(tmp_path: Path) -> None:
    async with State(tmp_path / "state.db") as state:
        await state.run(add)
        (tmp_path / "state.db").unlink()
        await state.verify()
        assert (tmp_path / "state.db").exists()


def test_other_processes_leave_the_log_of_a_state_that_was_just_created(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "state.db"
    query = f"SELECT * FROM {AuditEntry.__tablename__}"
    program = f"import sqlite3; sqlite3.connect({str(file)!r}).execute({query!r}).fetchall()"
    with Database(file) as database:
        database.run(add)
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
        assert (tmp_path / "state.db-wal").stat().st_size > 0
        database.verify()
        assert database.run(count) == 1
    assert caplog.messages == []
