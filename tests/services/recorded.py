"""A server that gives recorded answers, for targets that cannot be run here: InfluxDB 3, gateways.

It stores the lines that the recorded server would have stored. The shapes of the answers are those of the public
sources and documentation of each server.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tsmon.line_protocol import split_lines

__all__ = ["Answer", "Recorded", "recorded_server"]


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer, and the lines (from 0) of the request that are stored nevertheless."""

    status: int
    text: str = ""
    stored: tuple[int, ...] = ()


Answering = Callable[[list[str]], Answer]


@dataclass
class Recorded:
    """The running server: its address, what it has stored, and the requests it got."""

    url: str = ""
    lines: list[str] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)

    @property
    def writes(self) -> list[web.BaseRequest]:
        return [one for one in self.requests if one.path.endswith("/write")]


@asynccontextmanager
async def recorded_server(
    answer: Answering, other: Callable[[web.BaseRequest], web.Response] = lambda _: web.Response(status=404)
) -> AsyncIterator[Recorded]:
    """A server whose ``/api/v2/write`` answers as ``answer`` says; ``other`` answers all other requests."""
    server = Recorded()

    async def handle(request: web.BaseRequest) -> web.Response:
        server.requests.append(request)
        if request.path != "/api/v2/write":
            return other(request)
        lines = [line for _, line in split_lines(await request.read())]
        found = answer(lines)
        server.lines += [lines[number] for number in found.stored]
        return web.Response(status=found.status, text=found.text or None, content_type="application/json")

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
