"""One HTTP request or WebSocket between an ASGI server and an application: when it ends, and how."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from sys import exception
from typing import Any, Final

from tsmon.integrations.departure import is_departure
from tsmon.integrations.recorder import CLIENT_CLOSED_REQUEST, OpenRequest

__all__ = ["Exchange", "HttpExchange", "Message", "Receive", "Scope", "Send", "WebSocketExchange"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Record = Callable[["Exchange", int, BaseException | None], None]

FORBIDDEN: Final = 403
"""Status with which a server answers a WebSocket that the application closes before accepting it."""

BODY: Final = frozenset({"http.response.body", "http.response.zerocopysend", "http.response.pathsend"})

WITHOUT_BODY: Final = frozenset({204, 304})


class Exchange:
    """What both kinds have in common; ``record`` is called once, with status and the exception being handled."""

    __slots__ = (
        "_headers",
        "_receive",
        "_record",
        "_send",
        "_unsent",
        "answered_error",
        "disconnected",
        "ended",
        "opened",
        "path",
        "scope",
        "status",
    )

    def __init__(self, receive: Receive, send: Send, record: Record, opened: OpenRequest, scope: Scope) -> None:
        self._receive = receive
        self._send = send
        self._record = record
        self.opened = opened
        self.scope = scope
        self.path: str = scope["path"]
        """The path with which the request arrived; applications may change that of the scope."""
        self.status = 0
        self.ended = False
        """Whether the client has its whole response, or is gone."""
        self.disconnected = False
        self.answered_error: BaseException | None = None
        """The exception that the framework answered by the response; it may raise it afterwards."""
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        self._unsent: int | None = None
        """Bytes of the body that the client waits for, if a length is declared; else negative."""

    def end(self, status: int) -> None:
        """End it, if that has not been done."""
        if not self.ended:
            self.ended = True
            self.answered_error = error = exception()
            self._record(self, status, error)

    def is_background_failure(self, error: BaseException | None) -> bool:
        """Whether ``error``, with which the application ended after the response, is one of the work since then."""
        if error is None or error is self.answered_error:
            return False
        return not (self.disconnected and is_departure(error, (OSError, asyncio.CancelledError)))


class HttpExchange(Exchange):
    """An HTTP request, which ends with the last byte of the body that the client gets."""

    __slots__ = ()

    async def receive(self) -> Message:
        """Pass on a message from the server."""
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.ended:
            self.disconnected = True
            self.end(CLIENT_CLOSED_REQUEST)
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server."""
        send = self._send
        kind = message["type"]
        is_last = kind in BODY and not (message.get("more_body") and self._lacks_bytes(message))
        if is_last and getattr(getattr(send, "__self__", None), "closed", False) is True and not self.ended:
            self.disconnected = True  # Hypercorn knows, and drops the message.
        try:
            await send(message)
        except OSError:
            self.disconnected = True
            raise
        if kind == "http.response.start":
            self.status = status = message["status"]
            self._headers = message.get("headers", ())
            is_last = status in WITHOUT_BODY or self.scope["method"] == "HEAD"
        if is_last and not self.ended:
            self.end(CLIENT_CLOSED_REQUEST if self._is_client_gone() else self.status)

    def final_status(self, error: BaseException | None) -> int:
        """Return the status of a request whose response had not ended with its application."""
        # An application that sends no response, or only the beginning, leaves the client with an error.
        is_aborted = isinstance(error, asyncio.CancelledError) or self._is_client_gone()
        return CLIENT_CLOSED_REQUEST if is_aborted else 500

    def _is_client_gone(self) -> bool:
        # Uvicorn knows, and drops the messages.
        return self.disconnected or getattr(getattr(self._receive, "__self__", None), "disconnected", False) is True

    def _lacks_bytes(self, message: Message) -> bool:
        """Whether the client waits for more: the length of its response is unknown or not reached."""
        if self._unsent is None:
            self._unsent = _find_length(self._headers)
        if self._unsent < 0 or message["type"] != "http.response.body":
            return True
        self._unsent -= len(message.get("body", b""))
        return self._unsent > 0


class WebSocketExchange(Exchange):
    """A WebSocket, which ends when one side closes it."""

    __slots__ = ()

    async def receive(self) -> Message:
        """Pass on a message from the server."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.disconnected = True
            self.end(self.status or CLIENT_CLOSED_REQUEST)
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server."""
        try:
            await self._send(message)
        except OSError:
            self.disconnected = True
            self.end(self.status or CLIENT_CLOSED_REQUEST)
            raise
        kind = message["type"]
        if kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close":
            self.end(self.status or FORBIDDEN)
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.http.response.body" and not message.get("more_body", False):
            self.end(self.status)

    def final_status(self, error: BaseException | None) -> int:
        """Return the status of a WebSocket that was open when its application ended, with ``error`` or without."""
        if isinstance(error, asyncio.CancelledError):
            return 101 if self.status == 101 else CLIENT_CLOSED_REQUEST
        return 500 if error is not None else self.status or 500


def _find_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the length that a response declares; -1 if it does not."""
    for name, value in headers:
        if name.lower() == b"content-length":
            try:
                return int(value)
            except ValueError:
                return -1
    return -1
