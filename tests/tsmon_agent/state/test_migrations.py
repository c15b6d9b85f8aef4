"""Migrations from version to version: they agree with the models, up and down, as SQL, on every database."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, create_engine, inspect, text

from tsmon.errors import StateError
from tsmon_agent.state import Base, Database
from tsmon_agent.state.migration import generate_sql, list_versions
from tsmon_agent.state.schema_versions import (
    BASE,
    MIGRATIONS,
    VERSION_TABLE,
    known_versions,
    newest_version,
    resolve_version,
)
from tsmon_agent.state.urls import parse_url

Shape = dict[str, set[str]]
NAME = re.compile(r"(ck|fk|ix|pk|uq)_")


def shape(url: str) -> Shape:
    """Columns, constraints and indexes of each table, as the database reports them."""
    engine = create_engine(parse_url(url))
    try:
        found = inspect(engine)
        return {
            table: {
                *(f"{one['name']} {one['type']} {one['nullable']}" for one in found.get_columns(table)),
                *(f"{one['name']} {one['sqltext']}" for one in found.get_check_constraints(table)),
                *(str(one["name"]) for one in found.get_unique_constraints(table)),
                *(str(one["name"]) for one in found.get_foreign_keys(table)),
                *(str(one["name"]) for one in found.get_indexes(table)),
                str(found.get_pk_constraint(table)["name"]),
            }
            for table in found.get_table_names()
            if table != VERSION_TABLE
        }
    finally:
        engine.dispose()


def names_in(parts: set[str]) -> set[str]:
    """Names of constraints and indexes."""
    return {part.split()[0] for part in parts if NAME.match(part)}


def fill(url: str) -> None:
    """A row in every table."""
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            values = {c.name: {} if isinstance(c.type, JSON) else c.type.python_type(1) for c in table.columns}
            connection.execute(table.insert().values(**values))
    engine.dispose()


class TestModels:
    def test_the_migrations_create_what_the_models_declare(self, state_url: str) -> None:
        Database(state_url).migrate(newest_version())
        engine = create_engine(parse_url(state_url))
        with engine.connect() as connection:
            options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []
        engine.dispose()

    def test_names_and_checks_are_those_of_the_models(self, state_url: str, tmp_path: Path) -> None:
        Database(state_url).migrate(newest_version())
        engine = create_engine(f"sqlite:///{tmp_path / 'models.db'}")
        Base.metadata.create_all(engine)
        engine.dispose()
        of_models = shape(f"sqlite:///{tmp_path / 'models.db'}")
        if state_url.startswith("sqlite"):
            assert shape(state_url) == of_models
        assert {table: names_in(parts) for table, parts in shape(state_url).items()} == {
            table: names_in(parts) for table, parts in of_models.items()
        }

    def test_alembic_knows_the_same_versions(self) -> None:
        scripts = ScriptDirectory(str(MIGRATIONS))
        assert [script.revision for script in scripts.walk_revisions()] == list(reversed(known_versions()))
        assert scripts.get_heads() == [newest_version()]
        assert [version for version, _ in list_versions()] == list(known_versions())


class TestSteps:
    def test_down_undoes_up(self, state_url: str) -> None:
        """At every version; and up again is the same as before."""
        shapes = {BASE: shape(state_url) if state_url.startswith("postgresql") else {}}
        for version in known_versions():
            Database(state_url).migrate(version)
            shapes[version] = shape(state_url)
        for version in reversed((BASE, *known_versions()[:-1])):
            Database(state_url).migrate(version)
            assert Database(state_url).read_version() == version
            assert shape(state_url) == shapes[version]
        Database(state_url).migrate(newest_version())
        assert shape(state_url) == shapes[newest_version()]

    def test_what_a_step_down_removes_is_what_it_declares(self, state_url: str) -> None:
        Database(state_url).migrate(newest_version())
        for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
            before = {(t, column.split()[0]) for t, parts in shape(state_url).items() for column in parts}
            Database(state_url).migrate(str(script.down_revision or BASE))
            after = {(t, column.split()[0]) for t, parts in shape(state_url).items() for column in parts}
            tables = {table for table, _ in before} - {table for table, _ in after}
            columns = {f"{t}.{c}" for t, c in before - after if t not in tables and not NAME.match(c)}
            assert set(script.module.LOSES) == tables | columns

    def test_losses_are_counted(self, state_url: str) -> None:
        database = Database(state_url)
        assert database.count_losses(BASE) == {}
        database.migrate(newest_version())
        assert database.count_losses(BASE) == {}
        fill(state_url)
        assert database.count_losses("0001") == {"audit_entries": 1, "sign_ins": 1, "tokens": 1}
        assert set(database.count_losses(BASE)) == set(Base.metadata.tables)
        assert database.count_losses(newest_version()) == {}

    def test_a_step_that_fails_changes_nothing(self, state_url: str) -> None:
        database = Database(state_url)
        database.migrate("0001")
        engine = create_engine(parse_url(state_url))
        with engine.begin() as connection:
            # After `tokens`, which the step makes first.
            connection.execute(text("CREATE TABLE audit_entries (id INTEGER)"))
        before = shape(state_url)
        with pytest.raises(StateError):
            database.migrate("0002")
        engine.dispose()
        assert shape(state_url) == before
        assert database.read_version() == "0001"


class TestSql:
    def run_sqlite(self, url: str, script: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)

    def run_postgresql(self, url: str, script: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())

    @pytest.fixture
    def run(self, state_url: str) -> Callable[[str], None]:
        run = self.run_sqlite if state_url.startswith("sqlite") else self.run_postgresql
        return lambda script: run(state_url, script)

    def test_the_printed_schema_is_the_one_that_is_created(
        self, state_url: str, run: Callable[[str], None], request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        run(generate_sql(Database(state_url).dialect, BASE, newest_version()))
        with Database(state_url) as database:
            assert database.read_version() == newest_version()
            fill(state_url)
        of_script = shape(state_url)
        Database(state_url).migrate(BASE)
        Database(state_url).migrate(newest_version())
        assert shape(state_url) == of_script

    def test_between_two_versions_and_back(self, state_url: str, run: Callable[[str], None]) -> None:
        database = Database(state_url)
        database.migrate("0001")
        before = shape(state_url)
        script = generate_sql(database.dialect, "0001", "0002")
        assert "expected_streams" not in script
        run(script)
        assert database.read_version() == "0002"
        run(generate_sql(database.dialect, "0002", "0001"))
        assert database.read_version() == "0001"
        assert shape(state_url) == before


class TestResolved:
    @pytest.mark.parametrize(
        ("wanted", "current", "meant"),
        [
            ("head", BASE, newest_version()),
            ("base", "0002", BASE),
            ("1", BASE, "0001"),
            ("0002", "0001", "0002"),
            ("+1", BASE, "0001"),
            ("-1", "0002", "0001"),
            ("-2", "0002", BASE),
            ("+0", "0001", "0001"),
        ],
    )
    def test_versions(self, wanted: str, current: str, meant: str) -> None:
        assert resolve_version(wanted, current) == meant

    @pytest.mark.parametrize("wanted", ["", "tea", "0", "9999", "-4", "+1", "²", "-", "0x1", "--sql"])
    def test_unknown_versions(self, wanted: str) -> None:
        with pytest.raises(StateError, match="there is no version"):
            resolve_version(wanted, newest_version())
