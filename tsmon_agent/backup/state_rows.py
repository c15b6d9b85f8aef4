"""The state as a file of JSON lines, which any database restores: SQLite and PostgreSQL alike."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import JSON, MetaData, Table, func, insert, inspect, null, select, text
from sqlalchemy.orm import Session

from tsmon.errors import BackupError
from tsmon_agent.state import Database
from tsmon_agent.state.schema_versions import BASE, known_versions, newest_version
from tsmon_agent.state.tables import Base

__all__ = ["StagedState", "count_rows", "dump_state", "stage_state"]

T = TypeVar("T")

BATCH_ROWS: Final = 500

TABLES: Final = {f"{table.name}": table for table in Base.metadata.sorted_tables}
"""Tables before those that refer to them."""


class _Head(msgspec.Struct):
    version: str
    tables: list[str]


class _Row(msgspec.Struct):
    table: str
    row: dict[str, Any]


class _End(msgspec.Struct):
    rows: dict[str, int]


def dump_state(database: Database, path: Path) -> dict[str, int]:
    """Write all rows to a new file, as they are at one moment; return the number of each table.

    A database without a schema is left so, and has no rows.
    """
    if database.read_version() == BASE:
        return {}
    encode = msgspec.json.encode

    def dump(session: Session) -> dict[str, int]:
        if database.dialect == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        rows = {}
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(encode(_Head(newest_version(), list(TABLES))) + b"\n")
            for name, table in TABLES.items():
                rows[name] = 0
                columns = [f"{column.name}" for column in table.columns]
                query = select(table).order_by(*table.primary_key)
                for row in session.execute(query, execution_options={"yield_per": BATCH_ROWS}):
                    file.write(encode(_Row(name, dict(zip(columns, row, strict=True)))) + b"\n")
                    rows[name] += 1
            file.write(encode(_End(rows)) + b"\n")
        return rows

    return database.run(dump)


def count_rows(database: Database) -> dict[str, int]:
    """Rows of each table that has any; none where there is no schema yet. An earlier schema stays as it is."""
    if database.read_version() == BASE:
        return {}

    def count(session: Session) -> dict[str, int]:
        there = set(inspect(session.connection()).get_table_names())
        counts = {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in TABLES.items()
            if name in there
        }
        return {name: number for name, number in counts.items() if number}

    return database.run_at_stored_version(count)


class StagedState:
    """Rows of a backup in a temporary database with this program's schema: whatever breaks its rules has failed.

    Use it as a context manager.
    """

    def __init__(self, file: Path) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tsmon-restore-")
        self._database = Database(Path(self._directory.name) / "state.db")
        try:
            self.rows = self._fill(file)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "StagedState":
        """Use the rows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self.close()

    def close(self) -> None:
        """Remove the temporary database."""
        self._database.close()
        self._directory.cleanup()

    def put(self, session: Session) -> None:
        """Exchange all rows of a database for these, within its transaction."""
        for table in reversed(TABLES.values()):
            session.execute(table.delete())
        for table in TABLES.values():
            for rows in self._read(table):
                session.execute(insert(table), rows)
        if session.get_bind().dialect.name == "postgresql":
            _set_sequences(session)

    def _read(self, table: Table) -> Iterator[list[dict[str, Any]]]:
        rows = self._database.run(lambda session: session.execute(select(table)).mappings().all())
        for start in range(0, len(rows), BATCH_ROWS):
            yield [dict(row) for row in rows[start : start + BATCH_ROWS]]

    def _fill(self, file: Path) -> dict[str, int]:
        with file.open("rb") as lines:
            head = _decode(next(lines, b""), _Head, file, 1)
            if head.version not in known_versions():
                raise BackupError(
                    f"{file} has version {head.version} of the state's schema, and this program knows those up to "
                    f"{newest_version()}; restore it by the tsmon-agent that made it, or a later one"
                )
            self._database.migrate(head.version)

            rows = self._database.run_at_stored_version(lambda session: _load(session, lines, head, file))
        self._database.open()
        return rows


def stage_state(file: Path) -> StagedState:
    """Read a file of :func:`dump_state`; raises :class:`~tsmon.errors.BackupError` if it is damaged."""
    return StagedState(file)


def _load(session: Session, lines: Iterator[bytes], head: _Head, file: Path) -> dict[str, int]:
    tables = _reflect(session, head.tables)
    rows = dict.fromkeys(tables, 0)
    ended = False
    for number, line in enumerate(lines, 2):
        if line.startswith(b'{"rows":'):
            ended = _decode(line, _End, file, number).rows == rows
            continue
        one = _decode(line, _Row, file, number)
        if one.table not in tables:
            raise BackupError(f"{file}:{number}: there is no table {one.table}; take another backup")
        table = tables[one.table]
        session.execute(insert(table), _to_stored(table, one.row))
        rows[one.table] += 1
    if not ended:
        raise BackupError(f"{file} is incomplete; take another backup")
    return rows


def _reflect(session: Session, names: Sequence[str]) -> Mapping[str, Table]:
    """Tables as the stored version of the schema has them."""
    metadata = MetaData()
    metadata.reflect(session.connection(), only=list(names))
    return metadata.tables


def _to_stored(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the database; JSON that is missing is NULL, not the text ``null``."""
    return {
        name: null() if value is None and isinstance(table.c[name].type, JSON) else value
        for name, value in row.items()
    }


def _set_sequences(session: Session) -> None:
    """Let PostgreSQL number new rows after those that were inserted with their numbers."""
    for name, table in TABLES.items():
        if "id" in table.c:
            session.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 1), "  # noqa: S608
                    f"max(id) IS NOT NULL) FROM {name}"
                )
            )


def _decode(line: bytes, kind: type[T], file: Path, number: int) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise BackupError(f"{file}:{number} is damaged (it is no row of the state); take another backup") from None
