"""A real PostgreSQL of the tests' own: its own port, directory and password; stopped by its pid.

It refuses to run as root: started by root, it runs as the user of the Debian package, or as nobody.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from tests.services.processes import free_port, stop

__all__ = ["PostgreSQL", "find_postgresql", "running_postgresql"]

READY_S: Final = 60.0


def find_postgresql() -> Path | None:
    """Directory of the server's programs: on PATH, else the newest of Debian's."""
    if (found := shutil.which("postgres")) and Path(found).with_name("initdb").exists():
        return Path(found).parent
    of_debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in of_debian), key=lambda path: int(path.parent.name), default=None)


class PostgreSQL:
    """One server; ``start`` again after ``stop`` finds the same port and data."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self.directory = directory
        self.password = secrets.token_hex(16)
        self.port = free_port()
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = iter(range(1, 1_000_000))
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            user = _another_user()
            os.chown(directory, user.pw_uid, user.pw_gid)
            self._prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def url(self, database: str = "postgres", password: str | None = None) -> str:
        return f"postgresql://tester:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        """Make the cluster."""
        secret = self.directory / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        options = [
            "--username=tester",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        ]
        done = subprocess.run(
            [*self._prefix, self._programs / "initdb", *options, "--locale=C", self.directory / "data"],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._prefix,
                    self._programs / "postgres",
                    "-D",
                    self.directory / "data",
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_S
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Break off all connections and stop."""
        process, self._process = self._process, None
        if process is not None:
            stop(process, signal.SIGINT)

    def new_database(self) -> str:
        """Name of a new, empty database."""
        name = f"test{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name


@contextmanager
def running_postgresql(programs: Path) -> Iterator[PostgreSQL]:
    """A server, stopped and removed at the end."""
    # Not in pytest's directories: only their owner may enter them.
    with tempfile.TemporaryDirectory(prefix="tsmon-postgresql-") as directory:
        server = PostgreSQL(programs, Path(directory))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _another_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
