"""A real QuestDB of the tests' own: its jar from Maven Central, its own port and directory; stopped by its pid."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.services.install_influxd import MissingToolError, cache
from tests.services.processes import free_port, stop

__all__ = ["QuestDB", "install_questdb", "running_questdb"]

VERSION: Final = "9.3.4"
PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"
READY_S: Final = 120.0


def install_questdb() -> Path:
    """Way to the server's jar, fetched once into the cache: 30 MB.

    Raises :class:`MissingToolError`, or :class:`subprocess.CalledProcessError` with Maven's output.
    """
    target = cache() / f"questdb-{VERSION}" / f"questdb-{VERSION}.jar"
    for tool, remedy in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None and not (tool == "mvn" and target.exists()):
            raise MissingToolError(f"QuestDB {VERSION} needs {tool} (apt-get install {remedy})")
    if not target.exists():
        unfinished = target.parent / str(os.getpid())
        artifact = f"-Dartifact=org.questdb:questdb:{VERSION}"
        command = ["mvn", "--batch-mode", PLUGIN, artifact, f"-DoutputDirectory={unfinished}"]
        unfinished.mkdir(parents=True)
        try:
            subprocess.run(command, cwd=unfinished, check=True, capture_output=True, text=True)
            (unfinished / target.name).replace(target)
        finally:
            shutil.rmtree(unfinished)
    return target


@dataclass(frozen=True)
class QuestDB:
    """The running server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self, query: str) -> list[list[Any]]:
        """Rows of a query in SQL; none while there is no such table."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/exec?query={quote(query)}")
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return list(found.get("dataset", []))
        finally:
            connection.close()


@contextmanager
def running_questdb(jar: Path, directory: Path) -> Iterator[QuestDB]:
    """A QuestDB for the length of a ``with`` block."""
    server = QuestDB(free_port())
    (directory / "conf").mkdir()
    off = ("http.min.enabled", "pg.enabled", "line.tcp.enabled", "metrics.enabled", "telemetry.enabled")
    lines = [f"http.bind.to=127.0.0.1:{server.port}", *(f"{key}=false" for key in off)]
    (directory / "conf" / "server.conf").write_text("\n".join(lines))
    command = [
        "java",
        "-Xmx512m",
        "-p",
        str(jar),
        "-m",
        "io.questdb/io.questdb.ServerMain",
        "-d",
        str(directory),
        "-n",
    ]
    log = directory / "log.txt"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_S
        answers = False
        while not answers:
            assert time.monotonic() < deadline, f"QuestDB does not answer; its log ends: {log.read_text()[-2_000:]}"
            assert process.poll() is None, f"QuestDB has ended; its log ends: {log.read_text()[-2_000:]}"
            time.sleep(0.1)
            with suppress(OSError, http.client.HTTPException, ValueError):
                answers = server.rows("select 1") == [[1]]
        yield server
    finally:
        stop(process)
