"""A real InfluxDB of the tests' own: its own port, directories, organization and token; stopped by its pid."""

import http.client
import json
import os
import secrets
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from influxdb_client import InfluxDBClient

from tests.services.processes import free_port, stop

__all__ = ["Answer", "InfluxDB", "Tls", "running"]

READY_S: Final = 60.0


@dataclass(frozen=True)
class Tls:
    """Files in PEM: the server's certificate and key, and the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class Answer:
    """What the server answered to one request."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class InfluxDB:
    """One influxd process; ``start`` again after ``stop`` or ``kill`` finds the same port and data."""

    def __init__(self, binary: Path, directory: Path, *, tls: Tls | None = None) -> None:
        self.binary = binary
        self.directory = directory
        self.tls = tls
        self.org = "tsmon-tests"
        self.org_id = ""
        self.bucket = "tests"
        self.token = secrets.token_hex(32)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connections = threading.local()
        self._numbers = iter(range(1, 1_000_000))
        self._authorizations: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "influxd.log"

    @property
    def pid(self) -> int:
        assert self._process is not None, "influxd is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it is ready; the first time, make the organization, the bucket and the token."""
        assert self._process is None, "influxd is running already"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        command = [
            str(self.binary),
            *("--bolt-path", str(self.directory / "influxd.bolt")),
            *("--engine-path", str(self.directory / "engine")),
            *("--sqlite-path", str(self.directory / "influxd.sqlite")),
            *("--http-bind-address", f"127.0.0.1:{self.port}"),
            "--reporting-disabled",
            "--ui-disabled",
        ]
        if self.tls:
            command += ["--tls-cert", str(self.tls.certificate), "--tls-key", str(self.tls.key)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("INFLUX")}
        environment["HOME"] = str(self.directory)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
            if not self.org_id:
                self._set_up()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it by its pid, gently first; harmless where it does not run."""
        self._close_connections()
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        stop(self._process)
        self._process = None

    def kill(self) -> None:
        """Kill -9."""
        self._close_connections()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it from answering; connections are still accepted by the kernel (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        os.kill(self.pid, signal.SIGCONT)

    def new_bucket(self, retention_s: int | None = None) -> str:
        """Name of a new, empty bucket; points older than ``retention_s`` (an hour at least) are refused there."""
        name = f"bucket-{next(self._numbers)}"
        rules = [{"type": "expire", "everySeconds": retention_s}] if retention_s else []
        self._expect(201, "POST", "/api/v2/buckets", {"name": name, "orgID": self.org_id, "retentionRules": rules})
        return name

    def drop(self, bucket: str) -> None:
        """Delete a bucket and its data."""
        found = self._expect(200, "GET", f"/api/v2/buckets?{urlencode({'name': bucket, 'org': self.org})}")
        self._expect(204, "DELETE", f"/api/v2/buckets/{found.json['buckets'][0]['id']}")

    def empty(self, bucket: str) -> None:
        """Delete all data of a bucket."""
        span = {"start": "1677-09-22T00:00:00Z", "stop": "2262-04-11T00:00:00Z"}
        self._expect(204, "POST", f"/api/v2/delete?{urlencode({'bucket': bucket, 'org': self.org})}", span)

    def new_token(self, bucket: str, *actions: str) -> str:
        """Token that may only do ``actions`` (``"read"``, ``"write"``) in one bucket."""
        found = self._expect(200, "GET", f"/api/v2/buckets?{urlencode({'name': bucket, 'org': self.org})}")
        resource = {"type": "buckets", "id": found.json["buckets"][0]["id"], "orgID": self.org_id}
        permissions = [{"action": action, "resource": resource} for action in actions]
        made = self._expect(
            201, "POST", "/api/v2/authorizations", {"orgID": self.org_id, "permissions": permissions}
        )
        token = str(made.json["token"])
        self._authorizations[token] = made.json["id"]
        return token

    def revoke(self, token: str) -> None:
        """Delete a token that :meth:`new_token` gave."""
        self._expect(204, "DELETE", f"/api/v2/authorizations/{self._authorizations.pop(token)}")

    def write(self, lines: bytes, bucket: str) -> Answer:
        """Answer to ``POST /api/v2/write`` of line protocol as it is, times in nanoseconds."""
        parameters = urlencode({"org": self.org, "bucket": bucket, "precision": "ns"})
        return self.request("POST", f"/api/v2/write?{parameters}", lines)

    def flux(self, query: str) -> list[dict[str, Any]]:
        """Records of a query, read by InfluxData's own client; its datetimes are cut to microseconds.

        Exact times are had by ``map(fn: (r) => ({r with ns: int(v: r._time)}))``.
        """
        authority = str(self.tls.authority) if self.tls else None
        with InfluxDBClient(self.url, self.token, org=self.org, ssl_ca_cert=authority, timeout=60_000) as client:
            return [record.values for table in client.query_api().query(query) for record in table.records]

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Answer to one request with the operator's token, over a connection kept by the calling thread."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                text = response.read().decode(errors="replace")
            except (OSError, http.client.HTTPException):
                connection.close()
                if attempt == 2:
                    raise
            else:
                return Answer(response.status, text, dict(response.headers))
        raise AssertionError

    def _expect(self, status: int, method: str, path: str, body: object = None) -> Answer:
        answer = self.request(method, path, None if body is None else json.dumps(body).encode())
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.text[:500]}"
        return answer

    def _set_up(self) -> None:
        body = {
            "username": "operator",
            "password": secrets.token_hex(16),
            "org": self.org,
            "bucket": self.bucket,
            "token": self.token,
        }
        self.org_id = self._expect(201, "POST", "/api/v2/setup", body).json["org"]["id"]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"influxd ended before it was ready; its log:\n{self._log_end()}")
            try:
                if self.request("GET", "/health").status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"influxd was not ready after {READY_S:.0f} s; its log:\n{self._log_end()}")

    def _log_end(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._connections, "one", None)
        if connection is None:
            if self.tls:
                context = ssl.create_default_context(cafile=str(self.tls.authority))
                connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
            else:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self._connections.one = connection
        return connection

    def _close_connections(self) -> None:
        connection = getattr(self._connections, "one", None)
        if connection is not None:
            connection.close()


@contextmanager
def running(binary: Path, directory: Path, *, tls: Tls | None = None) -> Iterator[InfluxDB]:
    """An InfluxDB for the length of a ``with`` block."""
    server = InfluxDB(binary, directory, tls=tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
