"""Requests behind gunicorn are recorded with status and time of the client."""

import asyncio
import sys

from tests.tsmon.integrations.asgi_servers import fetch, unused_port
from tests.tsmon.integrations.gunicorn_app import BIG, SLOW_S
from tsmon.line_protocol import parse
from tsmon.line_protocol.parser import ParsedPoint


async def leave(port: int, path: str) -> None:
    """Disconnect after the first bytes of a response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.read(100)
    writer.transport.abort()


async def wait_for_points(port: int, count: int) -> list[ParsedPoint]:
    async with asyncio.timeout(20):
        while True:
            found = [*parse((await fetch(port, "/points")).body)]
            if sum(point.measurement == "requests" for point in found) >= count:
                return found
            await asyncio.sleep(0.01)


async def test_status_and_time_are_the_clients() -> None:
    port = unused_port()
    command = ["gunicorn", "-b", f"127.0.0.1:{port}", "--log-level", "critical"]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, "tests.tsmon.integrations.gunicorn_app:app"
    )
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await fetch(port, "/close")
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        assert answer.body == b"fine"
        for path in ("/list", "/file"):
            assert len((await fetch(port, path)).body) == BIG
            await leave(port, path)
        points = await wait_for_points(port, 5)
    finally:
        server.terminate()
        await server.wait()
    requests = [point for point in points if point.measurement == "requests"]
    assert [point.tags["status_code"] for point in requests] == ["200", "200", "499", "200", "499"]
    assert float(requests[0].fields["execution_time"]) < SLOW_S
    (work,) = [
        point for point in points if point.measurement == "requests_background" and "close_time" in point.fields
    ]
    assert float(work.fields["execution_time"]) >= SLOW_S
