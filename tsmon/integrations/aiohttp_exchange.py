"""A request that an aiohttp server answers: when the client has its response, and with which status.

A handler returns a response before it is sent, and may go on after it has sent one itself. So the writer of the
connection notes what was sent. Short responses, which most are, are taken as sent when the handler returns.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from aiohttp import web
from aiohttp.http_writer import StreamWriter
from multidict import istr

from tsmon.integrations.departure import is_departure
from tsmon.integrations.recorder import CLIENT_CLOSED_REQUEST, OpenRequest, RequestRecorder
from tsmon.threads.locks import raise_interruption

if TYPE_CHECKING:
    from multidict import CIMultiDict

__all__ = ["WRITERS", "Exchange", "watch"]

FEW_BYTES: Final = 65_536
"""A body that the kernel takes at once."""

WITHOUT_BODY: Final = frozenset({204, 304})


class NotingWriter(StreamWriter):
    """Tells the exchanges of its request when the client has its response."""

    exchanges: "list[Exchange]"
    status: int | None = None
    """Status of the response that was begun."""

    def write_headers(self, status_line: str, headers: "CIMultiDict[str]") -> Any:
        """Note the status."""
        with suppress(LookupError, ValueError):
            self.status = int(status_line.split(" ", 2)[1])
        return super().write_headers(status_line, headers)

    def send_headers(self) -> None:
        """Note that there is no more to come."""
        super().send_headers()
        if self.status in WITHOUT_BODY or self.exchanges[0].request.method == "HEAD":
            self._end()

    async def write(self, *args: Any, **options: Any) -> None:
        """Note the last byte of a body whose length was declared."""
        await super().write(*args, **options)
        if self.length == 0:
            self._end()

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Note the end of the body."""
        await super().write_eof(chunk)
        self._end()

    def _end(self) -> None:
        for exchange in self.exchanges:
            exchange.end(self.status or 500)


class Exchange:
    """A request and its response."""

    __slots__ = ("_id_header", "_recorder", "ended", "opened", "request")

    def __init__(
        self, recorder: RequestRecorder, opened: OpenRequest, request: web.Request, id_header: istr
    ) -> None:
        self._recorder = recorder
        self._id_header = id_header
        self.opened = opened
        self.request = request
        self.ended = False

    def begin_response(self, status_line: str, headers: "CIMultiDict[str]") -> Any:
        """Write the headers, for the writer, of a response that is sent before the exchange has ended."""
        # Changing the class costs more than all else here, so it is not done for short responses.
        writer: Any = self.request.writer
        del writer.write_headers
        writer.__class__ = NotingWriter
        return cast("NotingWriter", writer).write_headers(status_line, headers)

    def end(self, status: int, error: BaseException | None = None, *, continues: bool = True) -> None:
        """Record the request, once; ``continues`` unless its handler has returned."""
        if self.ended:
            return
        self.ended = True
        request = self.request
        resource = None
        try:
            resource = request.match_info.route.resource
            if self._recorder.fills:
                self._recorder.fill_columns(self.opened, request)
        except Exception as failure:
            raise_interruption(failure)
            self._recorder.report_failure(failure)
        end = self._recorder.end_response if continues else self._recorder.end
        end(
            self.opened,
            request.method,
            None if resource is None else resource.canonical,
            status,
            error,
            request.headers.get(self._id_header),
        )

    def leave(self, response: object, error: BaseException | None) -> None:
        """End the request, or the work after its response, when the handler has returned or raised."""
        if self.ended:
            is_expected = self.is_client_gone() and is_departure(error, (ConnectionError, asyncio.CancelledError))
            self._recorder.end_background(self.opened, None if is_expected else error)
            return
        if error is None and self._is_sent_at_once(response) and not self.is_client_gone():
            self.end(response.status, continues=False)
            writer: Any = self.request._payload_writer  # noqa: SLF001
            if len(writer.exchanges) == 1 and not isinstance(writer, NotingWriter):
                del writer.write_headers, writer.exchanges
            return
        if isinstance(error, web.HTTPException):
            response = error
        status = getattr(response, "status", 500)
        if isinstance(error, asyncio.CancelledError):
            self.end(101 if _is_open_websocket(self.request) else CLIENT_CLOSED_REQUEST)
        elif self.is_client_gone() and (
            error is None or error is response or is_departure(error, (ConnectionError,))
        ):
            self.end(101 if status == 101 else CLIENT_CLOSED_REQUEST, error)
        elif error is not None and error is not response and self.request.writer.output_size > 0:
            self.end(500, error)  # The response breaks off.
        elif (task := asyncio.current_task()) is None:
            self.end(status, error)
        else:
            if error is not None:
                self.opened.take_error_code(error)
            task.add_done_callback(lambda task: self._end_with(task, status))
        self._recorder.leave(self.opened)

    def is_client_gone(self) -> bool:
        """Whether the connection has been lost or closed."""
        transport = self.request.transport
        return transport is None or transport.is_closing()

    def _is_sent_at_once(self, response: object) -> TypeGuard[web.StreamResponse]:
        """Whether what follows takes no time: a short body, and no function of the application before it."""
        if not isinstance(response, web.Response):
            return isinstance(response, web.WebSocketResponse)
        body = response.body
        if body is not None and (not isinstance(body, bytes) or len(body) > FEW_BYTES):
            return False
        for app in self.request.match_info.apps:  # noqa: SIM110 (any() costs as much as all else here)
            if app.on_response_prepare:
                return False
        return True

    def _end_with(self, task: "asyncio.Task[Any]", status: int) -> None:
        """End a request whose task has ended though its response was not sent to its end."""
        if self.ended:
            return
        error = None if task.cancelled() else task.exception()
        if error is None or is_departure(error, (ConnectionError,)):
            # Without an error, only the client's leaving breaks off a response that was begun.
            has_broken_off = isinstance(self.request.writer, NotingWriter)
            is_gone = task.cancelled() or has_broken_off or self.is_client_gone()
            self.end(CLIENT_CLOSED_REQUEST if is_gone else status)
        else:
            self.end(500, error)


WRITERS: Final = frozenset({StreamWriter, NotingWriter})
"""Types of the writers of requests that come from a server."""


def watch(recorder: RequestRecorder, opened: OpenRequest, request: web.Request, id_header: istr) -> Exchange:
    """Begin the exchange of a request whose writer is one of :data:`WRITERS`."""
    exchange = Exchange(recorder, opened, request, id_header)
    writer: Any = request._payload_writer  # noqa: SLF001 (saves a call)
    exchanges = getattr(writer, "exchanges", None)
    if exchanges is None:
        writer.exchanges = [exchange]
        writer.write_headers = exchange.begin_response
    else:
        exchanges.append(exchange)  # An outer application records it too.
    return exchange


def _is_open_websocket(request: web.Request) -> bool:
    """Whether the handshake was answered; a server that stops cancels the handlers of its open WebSockets."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.writer.output_size > 0
