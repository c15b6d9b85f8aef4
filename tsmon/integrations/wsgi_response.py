"""The response of a WSGI application on its way to the server: when it ends, and how."""

from collections.abc import Callable, Iterable, Iterator
from sys import exception
from typing import Any, Final

from tsmon.integrations.recorder import CLIENT_CLOSED_REQUEST, OpenRequest, RequestRecorder
from tsmon.threads.locks import raise_interruption
from tsmon.work.work_data import begin_work, end_work

__all__ = ["Body", "Environ", "Parts", "Response", "end_with_close"]

Environ = dict[str, Any]

WITHOUT_BODY: Final = frozenset({204, 205, 304})
"""Statuses of responses that have no body."""


class Response:
    """A request whose response is being sent."""

    __slots__ = (
        "_environ",
        "_headers",
        "_is_over",
        "_length",
        "_recorder",
        "_request_id",
        "_sent",
        "_write",
        "ended",
        "gone",
        "is_iterated",
        "opened",
        "resource",
        "status",
    )

    def __init__(
        self, recorder: RequestRecorder, opened: OpenRequest, environ: Environ, request_id: str | None
    ) -> None:
        self._recorder = recorder
        self._environ = environ
        self._request_id = request_id
        self._headers: Iterable[tuple[str, str]] = ()
        self._length: int | None = None
        self._sent = 0
        self._is_over = False
        self._write: Callable[[bytes], object] | None = None
        self.opened = opened
        self.status = 500
        """Status that the application has set; the server sends this one if it sets none."""
        self.resource: str | None = None
        self.ended = False
        """Whether the client has its whole response, or is gone."""
        self.gone = False
        """Whether the server could not write, because the client has disconnected."""
        self.is_iterated = False
        """Whether the server has begun to take the parts of a body that is complete."""

    def start(self, status: str, headers: Iterable[tuple[str, str]], write: Any) -> Any:
        """Note what the server has accepted as the beginning; return its ``write`` callable."""
        try:  # noqa: SIM105 (suppress() costs a tenth of what a request does)
            self.status = int(status[:3])
        except (TypeError, ValueError):
            pass
        self._headers = headers
        self._length = None
        self._write = write
        return self.write

    def write(self, part: bytes) -> None:
        """Send a part in the old way: at once, by the callable that the server has given."""
        if self._write is None:
            raise AssertionError("write() before start_response()")
        try:
            self._write(part)
        except OSError:
            self.gone = True
            raise
        self.hand_out(part)
        self.end_if_complete()

    def hand_out(self, part: bytes) -> None:
        """Count a part of the body that the server got."""
        self._sent += len(part)
        if self._recorder.ends_with_last_part:
            self.end_if_complete()

    def end_if_complete(self) -> None:
        """Record the request if what the server has got until now is all that the client waits for."""
        if self._sent and not self.ended and self._is_complete():
            self.end(self.status)

    def _is_complete(self) -> bool:
        if self.has_no_body:
            return True
        if self._length is None:
            self._length = _find_length(self._headers)
        return 0 <= self._length <= self._sent

    @property
    def has_no_body(self) -> bool:
        """Whether the client gets nothing but headers."""
        return self.status in WITHOUT_BODY or self._environ.get("REQUEST_METHOD") == "HEAD"

    def end(self, status: int, error: BaseException | None = None, *, continues: bool = True) -> None:
        """Record the request, once; ``continues`` unless the application has nothing more to do for it."""
        if self.ended:
            return
        self.ended = True
        recorder = self._recorder
        if recorder.fills:
            recorder.fill_columns(self.opened, self._environ)
        end = recorder.end_response if continues else recorder.end
        end(
            self.opened,
            self._environ.get("REQUEST_METHOD", ""),
            self.resource,
            CLIENT_CLOSED_REQUEST if self.gone else status,
            error,
            self._request_id,
        )

    def end_closed(self, *, is_whole: bool) -> None:
        """Record the request when the server is done with it; ``is_whole`` if nothing of the body was left."""
        if isinstance(exception(), OSError):
            self.gone = True
        self.end_if_complete()
        self.end(self.status if is_whole or self.has_no_body else CLIENT_CLOSED_REQUEST)

    def end_background(self, error: BaseException | None) -> None:
        """End what the application does after the response, once."""
        if not self._is_over:
            self._is_over = True
            self._recorder.end_background(self.opened, error)


class Body:
    """The body on its way to the server; what its code does is done for the request."""

    def __init__(self, body: Iterable[bytes], response: Response) -> None:
        self._body = body
        self._parts: Iterator[bytes] | None = None
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        response = self._response
        response.end_if_complete()
        token = begin_work(response.opened)
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            part = next(self._parts)
        except StopIteration:
            response.end(response.status)
            raise
        except BaseException as error:
            if response.ended:
                response.end_background(error)
            else:
                response.end(500, error)
            raise
        finally:
            end_work(token)
        response.hand_out(part)
        return part

    def close(self) -> None:
        """Close the body; the server is done with it, whether or not it was sent to its end."""
        self._response.end_closed(is_whole=False)
        _close(self._body, self._response)


class Parts(list[bytes]):
    """A body that is complete. The server may take its length, and sends it in its own way."""

    __slots__ = ("response",)

    response: Response

    def __iter__(self) -> Iterator[bytes]:
        response = self.response
        response.is_iterated = True
        for part in list.__iter__(self):
            yield part
            response.hand_out(part)
        response.end(response.status, continues=False)

    def close(self) -> None:
        """Note that the server is done with it."""
        response = self.response
        if not response.ended:
            response.end_closed(is_whole=not response.is_iterated)


def end_with_close(body: Any, response: Response) -> None:
    """Record the request when the server closes ``body``, a file that it sends in its own way."""
    close = getattr(body, "close", None)

    def end_and_close() -> None:
        response.end_closed(is_whole=True)
        _close_by(close, response)

    try:
        body.close = end_and_close
    except Exception as error:
        raise_interruption(error)
        response.end(response.status)


def _close(body: Any, response: Response) -> None:
    _close_by(getattr(body, "close", None), response)


def _close_by(close: Callable[[], object] | None, response: Response) -> None:
    """Call what closes a body: the last that the application does for the request."""
    token = begin_work(response.opened)
    error: BaseException | None = None
    try:
        if close is not None:
            close()
    except BaseException as caught:
        error = caught
        raise
    finally:
        end_work(token)
        response.end_background(error)
        error = None


def _find_length(headers: Iterable[tuple[str, str]]) -> int:
    """Return the length that a response declares; -1 if it does not."""
    for name, value in headers:
        if name.lower() == "content-length":
            return int(value) if value.isdecimal() else -1
    return -1
