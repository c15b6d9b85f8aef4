"""Transactions, versions and failures, on every database."""

import contextlib
import os
import stat
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.services.postgresql import PostgreSQL
from tsmon.errors import SettingsError, StateConflictError, StateError, StateUnavailableError
from tsmon_agent.state import AuditEntry, Database, Deployment, ExpectedStream, LastKnownFreshness


def add(session: Session, number: int = 1) -> None:
    session.add(Deployment(reference_designator="GP03", number=number, start_ns=-(2**62), end_ns=2**62))


def stream() -> ExpectedStream:
    return ExpectedStream(
        reference_designator="GP03",
        method="streamed",
        stream="ctd",
        measurement="ctd",
        field="value",
        tags={"ä": "b c"},
    )


def numbers(database: Database) -> list[int]:
    return list(database.run(lambda session: session.scalars(select(Deployment.number)).all()))


class TestRun:
    def test_what_is_added_is_read_by_the_next(self, state_url: str) -> None:
        with Database(state_url) as database:
            database.run(add)
        with Database(state_url) as database:
            (found,) = database.run(lambda session: session.scalars(select(Deployment)).all())
            assert (found.number, found.start_ns, found.end_ns) == (1, -(2**62), 2**62)

    def test_json_and_defaults(self, state_url: str) -> None:
        with Database(state_url) as database:
            database.run(lambda session: session.add(stream()))
            (found,) = database.run(lambda session: session.scalars(select(ExpectedStream)).all())
            assert (found.tags, found.rules, found.enabled) == ({"ä": "b c"}, None, True)
            assert database.run(
                lambda s: s.scalar(text("SELECT count(*) FROM expected_streams WHERE rules IS NULL"))
            )

    def test_all_or_nothing(self, state_url: str) -> None:
        def work(session: Session) -> None:
            add(session)
            session.flush()
            raise LookupError

        with Database(state_url) as database:
            with pytest.raises(LookupError):
                database.run(work)
            assert numbers(database) == []

    def test_what_contradicts_is_refused_whole(self, state_url: str) -> None:
        def work(session: Session) -> None:
            add(session, 1)
            session.flush()
            add(session, 1)

        with Database(state_url) as database:
            with pytest.raises(StateError, match="the change contradicts what is stored"):
                database.run(work)
            assert numbers(database) == []

    def test_checks_of_the_schema(self, state_url: str) -> None:
        late = {"warn_interval_ns": 2, "fail_interval_ns": 1}
        never = {"warn_interval_ns": 0, "fail_interval_ns": 1}
        with Database(state_url) as database:
            for wrong in (late, never, {"expected_rate": -1.0}):
                made = stream()
                for key, value in wrong.items():
                    setattr(made, key, value)
                with pytest.raises(StateError):
                    database.run(lambda session, made=made: session.add(made))
            with pytest.raises(StateError):
                database.run(lambda s: s.add(Deployment(reference_designator="a", number=1, start_ns=2, end_ns=1)))

    def test_a_streams_state_goes_with_it(self, state_url: str) -> None:
        def work(session: Session) -> None:
            made = stream()
            session.add(made)
            session.flush()
            session.add(LastKnownFreshness(stream_id=made.id, state="failed", since_ns=1))

        with Database(state_url) as database:
            database.run(work)
            database.run(lambda session: session.execute(text("DELETE FROM expected_streams")))
            assert database.run(lambda session: session.scalars(select(LastKnownFreshness)).all()) == []

    def test_two_at_the_same_time_see_each_others_changes(self, state_url: str) -> None:
        with Database(state_url) as one, Database(state_url) as other:
            one.run(lambda session: add(session, 1))
            other.run(lambda session: add(session, 2))
            assert sorted(numbers(one)) == [1, 2]

    def test_none_fails_for_having_read_before_another_wrote(self, state_url: str) -> None:
        """Two that read and then write at the same time: on SQLite the second waits from its start."""

        def work(session: Session) -> None:
            add(session, 1 + len(session.scalars(select(Deployment.number)).all()))

        def often(database: Database) -> None:
            for _ in range(20):
                # On PostgreSQL the two may find the same number.
                with contextlib.suppress(StateConflictError):
                    database.run(work)

        with Database(state_url) as one, Database(state_url) as other, ThreadPoolExecutor() as threads:
            for done in [threads.submit(often, one), threads.submit(often, other)]:
                done.result(30)
            assert sorted(numbers(one)) == list(range(1, len(numbers(one)) + 1))
            assert len(numbers(one)) >= 20

    def test_a_dry_run_stores_nothing(self, state_url: str) -> None:
        with Database(state_url) as database:
            assert database.run(lambda session: [add(session), "result"][1], dry_run=True) == "result"
            assert numbers(database) == []

    def test_after_close(self, state_url: str) -> None:
        database = Database(state_url)
        database.open()
        database.close()
        database.close()
        with pytest.raises(StateError, match="is closed"):
            database.run(add)


class TestVersions:
    def test_a_new_database_has_no_version_and_stays_so(self, state_url: str) -> None:
        assert Database(state_url).read_version() == "base"
        assert Database(state_url).read_version() == "base"

    def test_open_upgrades(self, state_url: str) -> None:
        Database(state_url).migrate("0001")
        with Database(state_url) as database:
            assert database.read_version() == "0003"
            database.run(lambda s: s.add(AuditEntry(time_ns=1, who="me", action="look", outcome="done")))

    def test_a_newer_schema_is_refused_and_left_alone(self, state_url: str) -> None:
        with Database(state_url) as database:
            database.run(add)
            database.run(lambda s: s.execute(text("UPDATE tsmon_state_version SET version_num = '9999'")))
        for call in (Database.open, Database.read_version, numbers, lambda d: d.migrate("0001")):
            with pytest.raises(StateError, match=r"has version 9999, and this program knows versions up to 0003"):
                call(Database(state_url))

    def test_several_that_start_together(self, state_url: str) -> None:
        """One of them creates the schema; the others wait and find it."""
        program = f"from tsmon_agent.state import Database\nwith Database({state_url!r}): pass"
        processes = [
            subprocess.Popen([sys.executable, "-W", "error", "-c", program], stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 4
        assert Database(state_url).read_version() == "0003"

    def test_alembic_is_loaded_only_to_change_something(self, state_url: str) -> None:
        program = (
            f"import sys; from tsmon_agent.state import Database\nwith Database({state_url!r}): pass\n"
            "print('alembic' in sys.modules)"
        )
        printed = [subprocess.check_output([sys.executable, "-c", program], text=True) for _ in range(2)]
        assert printed == ["True\n", "False\n"]


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "a" / "state.db"

    def test_nobody_else_may_read_it(self, file: Path) -> None:
        before = os.umask(0)
        try:
            with Database(f"sqlite:///{file}") as database:
                database.run(add)
                assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
                assert len(list(file.parent.iterdir())) == 3
            Database(f"sqlite:///{file}").migrate("0001")
        finally:
            os.umask(before)
        assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    def test_a_copy_is_made_before_the_schema_changes(self, file: Path) -> None:
        with Database(f"sqlite:///{file}") as database:
            database.run(add)
        assert [path.name for path in file.parent.iterdir()] == ["state.db"]
        copy = Database(f"sqlite:///{file}").migrate("base")
        assert copy is not None
        assert copy.name.startswith("state.db.version-0003-")
        assert Database(f"sqlite:///{file}").read_version() == "base"
        with Database(f"sqlite:///{copy}") as before:
            assert numbers(before) == [1]

    def test_no_copy_if_nothing_changes(self, file: Path) -> None:
        for _ in range(2):
            assert Database(f"sqlite:///{file}").migrate("0003") is None

    def test_home_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        with Database("sqlite:///~/state.db"):
            assert (tmp_path / "state.db").exists()

    def test_no_database_at_all(self, file: Path) -> None:
        file.parent.mkdir()
        file.write_bytes(b"precious" * 1000)
        with pytest.raises(
            StateError, match=r"state\.db was not made by tsmon: file is not a database; it is left"
        ):
            Database(f"sqlite:///{file}").open()
        assert file.read_bytes() == b"precious" * 1000

    def test_a_directory_that_cannot_be_created(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        with pytest.raises(StateUnavailableError, match=r"check the path and this user's access to it"):
            Database(f"sqlite:///{tmp_path}/a/state.db").open()

    def test_held_by_another_program(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tsmon_agent.state.database.BUSY_S", 0.05)
        with Database(f"sqlite:///{file}") as database, Database(f"sqlite:///{file}") as other:

            def work(session: Session) -> None:
                add(session)
                session.flush()
                other.run(add)

            with pytest.raises(StateUnavailableError, match="another program holds it locked"):
                database.run(work)
            other.run(add)


class TestServer:
    def test_nobody_listens(self) -> None:
        with pytest.raises(StateUnavailableError) as refused:
            Database("postgresql://me:hidden-word@127.0.0.1:1/state").open()
        sentence = str(refused.value)
        assert sentence.startswith("the state's database postgresql+psycopg://me:***@127.0.0.1:1/state cannot be")
        assert sentence.endswith("start it, or correct state.url")
        assert "\n" not in sentence

    def test_wrong_password(self, postgresql: PostgreSQL) -> None:
        with pytest.raises(StateUnavailableError, match="password authentication failed") as refused:
            Database(postgresql.url(password="hidden-word")).open()
        assert "hidden-word" not in str(refused.value)

    def test_no_such_database(self, postgresql: PostgreSQL) -> None:
        with pytest.raises(StateUnavailableError, match=r'database "none" does not exist'):
            Database(postgresql.url("none")).open()

    def test_a_server_that_was_away(self, postgresql: PostgreSQL) -> None:
        with Database(postgresql.url(postgresql.new_database())) as database:
            database.run(add)
            postgresql.stop()
            try:
                with pytest.raises(StateUnavailableError):
                    numbers(database)
            finally:
                postgresql.start()
            assert numbers(database) == [1]

    def test_a_server_that_was_restarted_meanwhile(self, postgresql: PostgreSQL) -> None:
        with Database(postgresql.url(postgresql.new_database())) as database:
            database.run(add)
            postgresql.stop()
            postgresql.start()
            assert numbers(database) == [1]

    def test_a_connection_that_breaks_within_a_transaction(self, postgresql: PostgreSQL) -> None:
        def work(session: Session) -> None:
            add(session)
            session.flush()
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with Database(postgresql.url(postgresql.new_database())) as database:
            with pytest.raises(StateUnavailableError):
                database.run(work)
            assert numbers(database) == []

    def test_tables_of_another_program(self, postgresql: PostgreSQL) -> None:
        url = postgresql.url(postgresql.new_database())
        with Database(url) as database:
            database.run(lambda session: session.execute(text("DROP TABLE tsmon_state_version")))
        with pytest.raises(StateError, match=r'the database refuses: relation "expected_streams" already exists'):
            Database(url).open()


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("postgresql://u:hidden@h:1/d", "postgresql+psycopg://u:***@h:1/d"),
            ("postgres://u:hidden@h/d", "postgresql+psycopg://u:***@h/d"),
            ("postgresql:///d?password=hidden&host=h", "postgresql+psycopg:///d?host=h&password=***"),
            ("postgresql://h/d?sslpassword=hidden", "postgresql+psycopg://h/d?sslpassword=***"),
            ("sqlite:///a b.db", "a b.db"),
        ],
    )
    def test_no_password_is_shown(self, url: str, shown: str) -> None:
        database = Database(url)
        assert str(database) == shown
        assert repr(database) == f"Database({shown!r})"

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("postgresql://u:p/hidden@h:x/d", "is not a valid URL"),
            ("postgresql://u:hidden@h:port/d", "is not a valid URL"),
            ("hidden", "is not a valid URL"),
            ("sqlite://", "names no file"),
            ("sqlite:///:memory:", "names no file"),
            ("tea://h/d", "SQLAlchemy does not know; use sqlite or postgresql"),
            ("postgresql+psycopg2://h/d", "needs the module psycopg2, which is not installed"),
            ("sqlite+aiosqlite:///a.db", "needs the module aiosqlite|asynchronous"),
        ],
    )
    def test_invalid_ones(self, url: str, reason: str) -> None:
        with pytest.raises(SettingsError, match=reason) as refused:
            Database(url)
        assert "hidden" not in "".join(traceback.format_exception(refused.value)).replace(repr(url), "")
