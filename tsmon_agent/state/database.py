"""The state's database: opened at this program's version of the schema, used in short transactions."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.orm import Session

from tsmon.errors import StateError, StateUnavailableError
from tsmon.stores.sqlite.open_files import OpenFiles
from tsmon_agent.state.database_errors import translate_errors
from tsmon_agent.state.recognition import check_state_file
from tsmon_agent.state.schema_versions import newest_version, read_stored_version
from tsmon_agent.state.urls import format_url, parse_url, sqlite_file_of

__all__ = ["Database"]

_log = logging.getLogger("tsmon")

T = TypeVar("T")

BUSY_S: Final = 10.0
"""How long a transaction waits for another process to end its own."""

TRIES: Final = 5
"""How often a transaction is run because its file was replaced meanwhile."""

CONTENTS: Final = "streams, deployments, tokens and audit entries"

LOCK: Final = 0x74736D6F6E
"""Number of PostgreSQL's advisory lock that lets one process at a time change the schema."""

POSTGRESQL: Final = {
    "application_name": "tsmon-agent",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
}
"""Parameters of a connection that the URL does not set: no wait for a server that vanished is endless."""


class _ReplacedError(Exception):
    """The file of a transaction is not at its path any more."""


class Database:
    """A SQLite file or a PostgreSQL database, used by one thread at a time; see :class:`State` for event loops.

    ``url`` is a URL as SQLAlchemy has it, or the path of a SQLite file, which is created for this user alone. A
    password in it is never shown.
    """

    def __init__(self, url: str | Path) -> None:
        self._url = parse_url(url)
        self._file = sqlite_file_of(self._url)
        self._engine: Engine | None = None
        self._place = None if self._file is None else OpenFiles(self._file, CONTENTS)
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        """Open beside the connection that writes: see :meth:`OpenFiles.abandon`."""
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({format_url(self._url)!r})"

    def __str__(self) -> str:
        return format_url(self._url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._url.get_backend_name()

    def check_file(self) -> None:
        """Raise :class:`~tsmon.errors.StateError` if this names another program's SQLite file; changes nothing."""
        if self._file is not None:
            with translate_errors(self._url):
                check_state_file(self._file)

    def exists(self) -> bool:
        """Whether the file of a SQLite database is there; that of a server is not looked for."""
        return self._file is None or self._file.exists()

    def open(self) -> None:
        """Connect, and upgrade the schema if it is older than this program.

        Raises :class:`~tsmon.errors.StateError`, also if the schema is newer.
        """
        with translate_errors(self._url):
            self._get_engine()

    def run(self, work: Callable[[Session], T], *, dry_run: bool = False) -> T:
        """Run ``work`` in one transaction and return its result; if it raises, none of its changes are stored.

        With ``dry_run``, none are stored in any case. Opens the database if it is not open yet. Objects that
        ``work`` returns stay readable. Raises :class:`~tsmon.errors.StateError`, and what ``work`` raises.

        If a SQLite file is deleted or replaced meanwhile, ``work`` runs again on the one that follows.
        """
        for _ in range(TRIES):
            with contextlib.suppress(_ReplacedError):
                return self._run(work, dry_run=dry_run)
        raise StateUnavailableError(f"{self} is deleted or replaced again and again; end the program that does it")

    def verify(self) -> None:
        """Notice whether a SQLite file was deleted or replaced, and then open the one that follows."""
        if self._engine is not None and self._place is not None and not self._place.is_in_place:
            self.open()

    def run_at_stored_version(self, work: Callable[[Session], T]) -> T:
        """As :meth:`run`, without an upgrade of the schema before it."""
        with (
            translate_errors(self._url),
            self._connect() as engine,
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            return work(session)

    def close(self) -> None:
        """Release everything; idempotent."""
        self._closed = True
        engine, self._engine = self._engine, None
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        if engine is not None:
            engine.dispose()
        if self._place is not None:
            self._place.forget()
        self._connection = None

    def __enter__(self) -> Self:
        """Open."""
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def read_version(self) -> str:
        """Read the version of the schema; a database without one stays as it is."""
        return self._inspect(read_stored_version, missing="base")

    def count_losses(self, wanted: str) -> Mapping[str, int]:
        """Count what going down to a version would remove: see :func:`tsmon_agent.state.migration.count_losses`."""
        from tsmon_agent.state.migration import count_losses

        return self._inspect(
            lambda connection: count_losses(connection, read_stored_version(connection), wanted), missing={}
        )

    def migrate(self, wanted: str) -> Path | None:
        """Bring the schema to a version, in one transaction; if that fails, nothing is changed.

        A SQLite file with a schema is copied first; returns the copy.
        """
        with translate_errors(self._url):
            self._create_file()
            # On SQLite a migration recreates tables, and foreign keys would delete the rows that refer to them.
            with self._connect(foreign_keys=False) as engine, engine.begin() as connection:
                return self._migrate(connection, wanted)

    def _run(self, work: Callable[[Session], T], *, dry_run: bool) -> T:
        with (
            translate_errors(self._url),
            Session(self._get_engine(), expire_on_commit=False) as session,
            session.begin(),
        ):
            result = work(session)
            if dry_run:
                session.rollback()
            elif self._place is not None and not self._place.is_in_place:
                raise _ReplacedError
            return result

    def _migrate(self, connection: Connection, wanted: str) -> Path | None:
        if self.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        current = read_stored_version(connection)
        if current == wanted:
            return None
        from tsmon_agent.state.migration import migrate

        copy = _copy(self._file, current) if self._file is not None and current != "base" else None
        migrate(connection, current, wanted)
        if self._file is not None and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise StateError(
                f"{self}: rows of {broken[0]} would refer to rows that do not exist; nothing was changed"
            )
        return copy

    def _get_engine(self) -> Engine:
        if self._closed:
            raise StateError(f"{self} is closed")
        if self._engine is not None:
            self._follow(self._engine)
        if self._engine is None:
            self._create_file()
            if self._place is not None:
                self._place.note()  # From now on nobody here reads it but by SQLite, whose locks that would end.
            engine = self._create_engine()
            if self._file is not None:
                event.listen(engine, "connect", self._note_connection)
            try:
                self._upgrade(engine)
                self._note_files()
            except BaseException:
                engine.dispose()
                if self._place is not None:
                    self._place.forget()
                raise
            self._engine = engine
        return self._engine

    def _follow(self, engine: Engine) -> None:
        """If the file was deleted or replaced, leave it, so that the one that follows is opened."""
        change = None if self._place is None else self._place.describe_change()
        if change is None or self._place is None or not self._place.abandon(self._connection, self._reader):
            return
        self._engine = self._connection = self._reader = None
        engine.dispose()
        _log.error("%s", change)

    def _note_connection(self, connection: sqlite3.Connection, _: Any) -> None:
        self._connection = connection

    def _note_files(self) -> None:
        if self._file is None or self._place is None:
            return
        self._reader = sqlite3.connect(
            f"{self._file.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, check_same_thread=False
        )
        self._reader.execute("SELECT 1 FROM sqlite_master").fetchone()
        self._place.note()

    def _upgrade(self, engine: Engine) -> None:
        with engine.begin() as connection:
            found = read_stored_version(connection)
        newest = newest_version()
        if found != newest:
            copy = self.migrate(newest)
            if copy is not None:
                _log.info(
                    "%s: the schema was upgraded from version %s to %s; %s is a copy of the file from before",
                    self,
                    found,
                    newest,
                    copy,
                )

    def _inspect(self, query: Callable[[Connection], T], missing: T) -> T:
        if self._file is not None and not self._file.exists():
            return missing
        with translate_errors(self._url):
            if self._file is not None:
                check_state_file(self._file)
            with self._connect() as engine, engine.connect() as connection:
                return query(connection)

    @contextlib.contextmanager
    def _connect(self, *, foreign_keys: bool = True) -> Iterator[Engine]:
        engine = self._create_engine(poolclass=NullPool, foreign_keys=foreign_keys)
        try:
            yield engine
        finally:
            engine.dispose()

    def _create_engine(self, *, foreign_keys: bool = True, **options: Any) -> Engine:
        if self._file is not None:
            engine = create_engine(self._url, hide_parameters=True, connect_args={"timeout": BUSY_S}, **options)
            _set_up_sqlite(engine, foreign_keys=foreign_keys)
            return engine
        arguments = {}
        if self._url.get_driver_name() == "psycopg":
            arguments = {key: value for key, value in POSTGRESQL.items() if key not in self._url.query}
        return create_engine(self._url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments, **options)

    def _create_file(self) -> None:
        if self._file is not None:
            check_state_file(self._file)
        if self._file is not None and not self._file.exists():
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its log the permissions of the file.
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))


def _set_up_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    """Use a write-ahead log, and transactions that exclude other writers from the start: none fails midway."""

    def set_up_connection(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", set_up_connection)
    event.listen(engine, "begin", begin)


def _copy(file: Path, version: str) -> Path:
    """Copy the file as it is, and return the copy beside it; raises :class:`OSError` and SQLite's errors."""
    copy = file.with_name(f"{file.name}.version-{version}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(file)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        for suffix in ("", "-journal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
        raise
    return copy
