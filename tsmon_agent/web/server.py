"""The HTTP server of the agent's pages."""

import errno
import logging
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.errors import StateUnavailableError, TsmonError
from tsmon.files.disk_thread import DiskThread
from tsmon.logs.error_texts import describe_error
from tsmon_agent.auth import count_usable_tokens
from tsmon_agent.settings import WebSettings
from tsmon_agent.web.handlers import Handlers, WebParts
from tsmon_agent.web.listener import limit_parse_errors, listen
from tsmon_agent.web.live.sockets import LiveSockets
from tsmon_agent.web.registry import HANDLERS
from tsmon_agent.web.requests.client import Clients
from tsmon_agent.web.responses.errors import JSON_PARTS, find_json_parts, respond_to_errors
from tsmon_agent.web.responses.headers import add_headers, require_https
from tsmon_agent.web.responses.navigation import NAVIGATION, build_navigation
from tsmon_agent.web.responses.static_files import StaticFiles
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security import Cookies, Gate, build_tls_context, load_certificate, read_certificate_stamp
from tsmon_agent.web.security.host_check import HostCheck

if TYPE_CHECKING:
    import asyncio
    import ssl

    from tsmon_agent.context import AgentContext

__all__ = ["WebServer"]

_log = logging.getLogger("tsmon")

SHUTDOWN_S: Final = 2.0
"""How long requests may still take when the server stops."""

LINGERING_S: Final = 2.0
"""How long the server reads the rest of a refused body."""

LARGEST_REQUEST: Final = 16 * 1024


class WebServer:
    """Serves ``handlers``, by default all pages and the whole HTTP interface, at the address in the settings."""

    def __init__(
        self, context: "AgentContext", settings: WebSettings, handlers: Sequence[type[Handlers]] = HANDLERS
    ) -> None:
        self._context = context
        self._settings = settings
        self._handlers = handlers
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._live: LiveSockets | None = None
        self._tls: ssl.SSLContext | None = None
        self._disk = DiskThread("tsmon-certificate")
        self._stamp: tuple[object, ...] = ()
        self._last_stamp: tuple[object, ...] = ()
        self._refused_stamp: tuple[object, ...] = ()
        """Of the certificate in use, of the files when they were last read, and of those that were wrong."""

    @property
    def address(self) -> str:
        """Address of the pages, such as ``http://127.0.0.1:9000``; for port 0 with the port in use."""
        port = self._settings.port
        if self._listening is not None and self._listening.sockets:
            port = self._listening.sockets[0].getsockname()[1]
        scheme = "https" if self._settings.encrypted else "http"
        return f"{scheme}://{_bracket(self._settings.listen)}:{port}{self._settings.base_path}"

    async def start(self) -> None:
        """Listen; raises :class:`~tsmon.errors.TsmonError` where the address is taken or not this machine's.

        Also where the settings let other machines connect, and without a token nobody could sign in from there.
        """
        self._stamp = read_certificate_stamp(self._settings)
        self._tls = build_tls_context(self._settings)
        limit_parse_errors()
        await self._check_tokens()
        runner = web.AppRunner(
            self._build_application(),
            access_log=None,
            handler_cancellation=True,  # what nobody waits for is not computed; see Gate.check
            shutdown_timeout=SHUTDOWN_S,
            keepalive_timeout=60.0,
            lingering_time=LINGERING_S,
            auto_decompress=False,  # it would inflate bodies without limit, even those that no handler reads
        )
        await runner.setup()
        assert runner.server is not None
        try:
            self._listening = await listen(runner.server, self._settings.listen, self._settings.port, self._tls)
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            raise TsmonError(self._explain(error)) from error
        self._runner = runner

    def reload_certificate(self) -> None:
        """Read the certificate again; raises :class:`~tsmon.errors.TsmonError`, and then keeps the old one."""
        if self._tls is not None:
            stamp = read_certificate_stamp(self._settings)
            build_tls_context(self._settings)  # fails before anything changes
            load_certificate(self._tls, self._settings)
            self._stamp = stamp

    async def follow_certificate(self) -> None:
        """If the files of the certificate were replaced, read them; log it if they are missing or wrong."""
        if self._tls is None:
            return
        stamp = await self._disk.run(read_certificate_stamp, self._settings)
        last, self._last_stamp = self._last_stamp, stamp
        # What is being replaced at this moment is read when it is complete.
        if stamp in (self._stamp, self._refused_stamp) or stamp != last:
            return
        try:
            self.reload_certificate()
        except TsmonError as error:
            self._refused_stamp = stamp
            _log.error("%s; new connections get the certificate from before", error)
        else:
            _log.info("web.cert_file %s was replaced; new connections get that", self._settings.cert_file)

    async def stop(self) -> None:
        """Close the pages' connections and the server; may be called again."""
        runner, self._runner = self._runner, None
        self._disk.end()
        if self._listening is not None:
            self._listening.close()
        if self._live is not None:
            await self._live.close()
        if runner is not None:
            await runner.cleanup()

    def _build_application(self) -> web.Application:
        settings, base = self._settings, self._settings.base_path
        static = StaticFiles(base)
        templates = Templates(self._context, static, base)
        cookies = Cookies(settings, settings.port)
        gate = Gate(self._context, settings, cookies)
        app = web.Application(
            middlewares=[
                respond_to_errors(templates, base),
                Clients(settings.trusted_proxies, encrypted=settings.encrypted).attach,
                HostCheck(settings.listen, settings.allowed_hosts).check,
                gate.check,
            ],
            client_max_size=LARGEST_REQUEST,
        )
        app.on_response_prepare.append(add_headers)
        if settings.hsts_max_age:
            app.on_response_prepare.append(require_https(settings.hsts_max_age))
        parts = WebParts(context=self._context, settings=settings, templates=templates, gate=gate, cookies=cookies)
        sources = [handlers.live for handlers in self._handlers if handlers.live is not None]
        self._live = LiveSockets(self._context, static.version, gate, sources)
        routes = [*static.routes(), *self._live.routes()]
        for handlers in self._handlers:
            routes += handlers(parts).routes()
        app.add_routes(_add_prefix(base, routes))
        app[NAVIGATION] = build_navigation(app)
        app[JSON_PARTS] = find_json_parts(app, base)
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

    def _explain(self, error: Exception) -> str:
        listen, port = self._settings.listen, self._settings.port
        failure = f"the pages cannot be shown on {_bracket(listen)}:{port}"
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            return f"{failure}: another program uses this port; set web.port to a free one"
        if number == errno.EACCES:
            return f"{failure}: this user may not use this port; set web.port to 1024 or more"
        # Since Python 3.13 asyncio skips addresses that are not here, and raises without a number if none is left.
        nowhere = number == errno.EADDRNOTAVAIL or (isinstance(error, OSError) and number is None)
        if nowhere or isinstance(error, socket.gaierror):
            return f"{failure}: this machine has no such address; correct web.listen (or web.port)"
        reason = os.strerror(number) if number else describe_error(error)
        return f"{failure}: {reason}; correct web.listen or web.port"


def _add_prefix(base_path: str, routes: Iterable[web.RouteDef]) -> Iterator[web.RouteDef]:
    for route in routes:
        yield web.RouteDef(route.method, f"{base_path}{route.path}", route.handler, route.kwargs)


def _bracket(listen: str) -> str:
    return f"[{listen}]" if ":" in listen else listen
