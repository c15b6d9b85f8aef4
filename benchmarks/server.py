"""The real InfluxDB of a benchmark: started for it, or already running."""

import json
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

__all__ = ["NoServerError", "Server", "start_server"]


class NoServerError(Exception):
    """There is no InfluxDB; the text says what to do."""


@dataclass(frozen=True)
class Server:
    """URL and operator token; each round of a candidate has its own bucket."""

    url: str
    org: str
    token: str

    def new_bucket(self) -> "Bucket":
        """Create an empty bucket."""
        orgs = json.loads(self.request("GET", f"/api/v2/orgs?org={quote(self.org)}"))["orgs"]
        name = f"benchmark-{uuid.uuid4().hex[:12]}"
        made = json.loads(self.request("POST", "/api/v2/buckets", {"orgID": orgs[0]["id"], "name": name}))
        return Bucket(self, name, made["id"])

    def request(self, method: str, path: str, body: Any = None) -> str:
        """Text of the response; raises :class:`NoServerError` with the server's message on failure."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            message = error.read(300).decode(errors="replace")
            raise NoServerError(
                f"InfluxDB at {self.url} answered {error.code} to {method} {path}: {message}"
            ) from None
        except OSError as error:
            raise NoServerError(f"InfluxDB at {self.url} cannot be reached ({error}); correct --url") from None


@dataclass(frozen=True)
class Bucket:
    """The bucket of one round."""

    server: Server
    name: str
    id: str

    def count(self) -> int:
        """Number of stored points, counted by the server."""
        flux = (
            f'from(bucket: "{self.name}") |> range(start: -1d, stop: 1d) '
            '|> filter(fn: (r) => r._measurement == "requests" and r._field == "execution_time") '
            "|> count() |> group() |> sum()"
        )
        path = f"/api/v2/query?{urlencode({'org': self.server.org})}"
        csv = self.server.request("POST", path, {"query": flux, "dialect": {"header": False}})
        return sum(int(line.rsplit(",", 1)[1]) for line in csv.split() if line)

    def drop(self) -> None:
        """Delete the bucket with its points."""
        self.server.request("DELETE", f"/api/v2/buckets/{self.id}")


@contextmanager
def start_server() -> Iterator[Server]:
    """Context manager that runs an InfluxDB in a temporary directory; it is built first if necessary."""
    try:
        from tests.services.influxdb import running
        from tests.services.install_influxd import MissingToolError, find, install
    except ImportError as error:
        raise NoServerError(f"{error}; run the benchmarks from the source tree, or give --url") from None
    try:
        binary = find() or install(_log)
    except MissingToolError as error:
        raise NoServerError(f"{error}; or give --url, --org and --token of a running InfluxDB") from None
    with TemporaryDirectory() as directory, running(binary, Path(directory)) as server:
        yield Server(server.url, server.org, server.token)


def _log(text: str) -> None:
    print(text, file=sys.stderr)
