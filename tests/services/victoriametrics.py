"""A real VictoriaMetrics of the tests' own: its own port and directory; stopped by its pid."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.services.processes import free_port, stop

__all__ = ["VictoriaMetrics", "running_victoriametrics"]

READY_S: Final = 60.0


@dataclass(frozen=True)
class VictoriaMetrics:
    """The running server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def values(self, name: str) -> dict[str, list[float]]:
        """All values of a metric, by its labels."""
        self._get("/internal/force_flush")
        found: dict[str, list[float]] = {}
        for text in self._get(f"/api/v1/export?match[]={name}").splitlines():
            series: dict[str, Any] = json.loads(text)
            labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
            found.setdefault(json.dumps(labels, sort_keys=True), []).extend(series["values"])
        return found

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, (path, answer.status, text)
            return text
        finally:
            connection.close()

    def wait_until_ready(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError, AssertionError, http.client.HTTPException):
                self._get("/health")
                return
            time.sleep(0.05)
        raise AssertionError(f"VictoriaMetrics does not answer; its log ends: {log.read_text()[-2_000:]}")


@contextmanager
def running_victoriametrics(binary: Path, directory: Path) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics for the length of a ``with`` block."""
    server = VictoriaMetrics(free_port())
    log = directory / "log"
    command = [
        str(binary),
        f"-storageDataPath={directory / 'data'}",
        f"-httpListenAddr=127.0.0.1:{server.port}",
        "-memory.allowedBytes=64MB",
        "-retentionPeriod=100y",
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        server.wait_until_ready(process, log)
        yield server
    finally:
        stop(process)
