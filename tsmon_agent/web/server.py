"""The HTTP server of the agent's pages."""

import errno
import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.errors import TsmonError
from tsmon.settings import WebSettings
from tsmon_agent.web.answers import add_headers, errors_as_sentences
from tsmon_agent.web.guard import Guard
from tsmon_agent.web.live_sockets import LiveSockets
from tsmon_agent.web.openapi.answer import Description
from tsmon_agent.web.pages import Pages
from tsmon_agent.web.static_files import StaticFiles
from tsmon_agent.web.streams import Available, InstrumentPage, InstrumentsPage
from tsmon_agent.web.templates import Templates

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

__all__ = ["WebServer"]

SHUTDOWN_S: Final = 2.0
"""How long requests that are under way may take when the server stops."""

LARGEST_REQUEST: Final = 16 * 1024


class WebServer:
    """Pages of the agent's host and of its pipeline, for reading only, at the address that ``settings`` names."""

    def __init__(self, agent: "Agent", settings: WebSettings) -> None:
        self._agent = agent
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self._live: LiveSockets | None = None

    @property
    def address(self) -> str:
        """Where the pages are, such as ``http://127.0.0.1:9000``; with the port that was given for port 0."""
        port = self._settings.port
        if self._runner is not None and self._runner.addresses:
            port = self._runner.addresses[0][1]
        return f"http://{_bracketed(self._settings.listen)}:{port}"

    async def start(self) -> None:
        """Listen; raises :class:`~tsmon.errors.TsmonError` where the address is taken or is not to be had."""
        static = StaticFiles()
        templates = Templates(self._agent, static)
        self._live = LiveSockets(self._agent, static.version)
        guard = Guard(self._settings.listen, self._settings.allowed_hosts)
        app = web.Application(
            middlewares=[errors_as_sentences(templates), guard.check], client_max_size=LARGEST_REQUEST
        )
        app.on_response_prepare.append(add_headers)
        app.add_routes(Pages(self._agent, templates, static).routes())
        app.router.add_get("/live", self._live.handle, allow_head=False)
        for part in (
            Available(self._agent),
            InstrumentsPage(self._agent, templates),
            InstrumentPage(self._agent, templates),
            Description(app),
        ):
            app.add_routes(part.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, keepalive_timeout=60.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.listen, self._settings.port).start()
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            raise TsmonError(self._why_not(error)) from error
        self._runner = runner

    async def stop(self) -> None:
        """Close the pages' connections and the server; safe to call more than once."""
        runner, self._runner = self._runner, None
        if self._live is not None:
            await self._live.close()
        if runner is not None:
            await runner.cleanup()

    def _why_not(self, error: Exception) -> str:
        listen, port = self._settings.listen, self._settings.port
        place = f"the pages cannot be shown on {_bracketed(listen)}:{port}"
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            return f"{place}: another program uses this port; set web.port to a free one"
        if number == errno.EACCES:
            return f"{place}: this user may not use this port; set web.port to one from 1024 on"
        if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
            return f"{place}: this machine has no such address; correct web.listen (or web.port)"
        return f"{place}: {error}; correct web.listen or web.port"


def _bracketed(listen: str) -> str:
    return f"[{listen}]" if ":" in listen else listen
