"""The HTTP server of the agent's pages."""

import errno
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.errors import StateUnavailableError, TsmonError
from tsmon_agent.auth import count_usable_tokens
from tsmon_agent.settings import WebSettings
from tsmon_agent.web.accounts.audit_page import AuditPage
from tsmon_agent.web.accounts.sign_in_page import SignIn
from tsmon_agent.web.agent.openapi_json import Description
from tsmon_agent.web.agent.pages import Pages
from tsmon_agent.web.host.page import HostPage
from tsmon_agent.web.listener import listen, quiet_about_nonsense
from tsmon_agent.web.live.sockets import LiveSockets
from tsmon_agent.web.requests.client import CLIENT, Clients
from tsmon_agent.web.responses.responses import add_headers, errors_as_sentences
from tsmon_agent.web.responses.static_files import StaticFiles
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security import Cookies, Gate, load_certificate, tls_of
from tsmon_agent.web.security.host_check import Guard
from tsmon_agent.web.streams import Available, Deployed, Expected, InstrumentPage, InstrumentsPage, Status

if TYPE_CHECKING:
    import asyncio
    import ssl

    from tsmon_agent.context import AgentContext

__all__ = ["WebServer"]

_log = logging.getLogger("tsmon")

SHUTDOWN_S: Final = 2.0
"""How long requests that are under way may take when the server stops."""

LINGERING_S: Final = 2.0
"""How long the rest of a body that is refused is waited for."""

LARGEST_REQUEST: Final = 16 * 1024


class WebServer:
    """Pages of the agent, and its answers to programs, at the address that ``settings`` names."""

    def __init__(self, context: "AgentContext", settings: WebSettings) -> None:
        self._context = context
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._live: LiveSockets | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """Where the pages are, such as ``http://127.0.0.1:9000``; with the port that was given for port 0."""
        port = self._settings.port
        if self._listening is not None and self._listening.sockets:
            port = self._listening.sockets[0].getsockname()[1]
        scheme = "https" if self._settings.encrypted else "http"
        return f"{scheme}://{_bracketed(self._settings.listen)}:{port}{self._settings.base_path}"

    async def start(self) -> None:
        """Listen; raises :class:`~tsmon.errors.TsmonError` where the address is taken or is not to be had.

        Likewise where nobody could sign in from where the settings let others ask.
        """
        self._tls = tls_of(self._settings)
        quiet_about_nonsense()
        await self._check_tokens()
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            keepalive_timeout=60.0,
            lingering_time=LINGERING_S,
            auto_decompress=False,  # it would inflate without limit what nobody reads
        )
        await runner.setup()
        assert runner.server is not None
        try:
            self._listening = await listen(runner.server, self._settings.listen, self._settings.port, self._tls)
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            raise TsmonError(self._why_not(error)) from error
        self._runner = runner

    def reload_certificate(self) -> None:
        """Read the certificate again; raises :class:`~tsmon.errors.TsmonError`, and has the old one then."""
        if self._tls is not None:
            tls_of(self._settings)  # what is wrong is found out before anything changes
            load_certificate(self._tls, self._settings)

    async def stop(self) -> None:
        """Close the pages' connections and the server; safe to call more than once."""
        runner, self._runner = self._runner, None
        if self._listening is not None:
            self._listening.close()
        if self._live is not None:
            await self._live.close()
        if runner is not None:
            await runner.cleanup()

    def _application(self) -> web.Application:
        settings = self._settings
        base = settings.base_path
        static = StaticFiles(base)
        templates = Templates(self._context, static, base)
        cookies = Cookies(settings, settings.port)
        gate = Gate(self._context, settings, cookies)
        self._live = LiveSockets(self._context, static.version, gate)
        app = web.Application(
            middlewares=[
                errors_as_sentences(templates, base),
                Clients(settings.trusted_proxies, encrypted=settings.encrypted).tell,
                Guard(settings.listen, settings.allowed_hosts).check,
                gate.check,
            ],
            client_max_size=LARGEST_REQUEST,
        )
        app.on_response_prepare.append(add_headers)
        if settings.hsts_max_age:
            app.on_response_prepare.append(_https_only(settings.hsts_max_age))
        for part in (
            HostPage(self._context, templates),
            Pages(self._context, templates, static),
            self._live,
            Available(self._context),
            Expected(self._context),
            Deployed(self._context),
            Status(self._context),
            InstrumentsPage(self._context, templates),
            InstrumentPage(self._context, templates),
            SignIn(self._context, settings, templates, gate, cookies),
            AuditPage(self._context, templates),
            Description(app, base),
        ):
            app.add_routes(_under(base, part.routes()))
        return app

    async def _check_tokens(self) -> None:
        if not self._settings.beyond_this_machine or self._settings.open_to_everyone:
            return
        try:
            count = await self._context.state.run(lambda session: count_usable_tokens(session, time.time_ns()))
        except StateUnavailableError as error:
            _log.warning("%s; until then nobody can sign in", error)
            return
        if not count:
            raise TsmonError(
                f"web.listen is {self._settings.listen}, beyond this machine, and without a token nobody could "
                "sign in; make one with tsmon-agent token create NAME, or set web.open_to_everyone = true if "
                "everyone who reaches this address may see the pages"
            )

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


def _under(base_path: str, routes: Iterable[web.RouteDef]) -> Iterator[web.RouteDef]:
    for route in routes:
        yield web.RouteDef(route.method, f"{base_path}{route.path}", route.handler, route.kwargs)


def _https_only(seconds: int) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def add(request: web.Request, response: web.StreamResponse) -> None:
        client = request.get(CLIENT)
        if client is not None and client.secure:
            response.headers["Strict-Transport-Security"] = f"max-age={seconds}"

    return add


def _bracketed(listen: str) -> str:
    return f"[{listen}]" if ":" in listen else listen
