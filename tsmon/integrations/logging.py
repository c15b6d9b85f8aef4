"""Log records as points, beside whatever other handlers there are.

::

    logging.getLogger().addHandler(LogHandler(monitor, level=logging.WARNING))

or in a ``dictConfig``::

    "handlers": {"points": {"class": "tsmon.integrations.logging.LogHandler",
                            "monitor": "ext://myservice.metrics.monitor", "level": "WARNING"}}
"""

import itertools
import logging
import os
from collections.abc import Collection
from typing import Final

from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.emitter import Emitter
from tsmon.points.logs import Log

__all__ = ["LogHandler"]

OWN: Final = ("tsmon", "tsmon_agent", "apscheduler.executors.tsmon")
"""Loggers of ours: what a flush logs would be flushed, and so on without end."""

MAX_MESSAGE: Final = 8_192
MAX_TRACEBACK: Final = 32_768
"""In characters."""

MAX_TAG: Final = 256

_format_traceback = logging.Formatter().formatException


class LogHandler(logging.Handler):
    """Emits a ``logs`` point for every record; never raises, whatever a record holds.

    ``extra`` names attributes of records (given by ``logger.info(…, extra={…})``) that become additional fields
    where they are str, int, float or bool. Records of tsmon's own loggers are ignored.

    The time is the record's own to the microsecond, as exactly as ``logging`` tells it; below, records are
    numbered, so that two of one logger in the same microsecond are two points.
    """

    def __init__(
        self,
        monitor: Emitter,
        *,
        service: str | None = None,
        level: int | str = logging.NOTSET,
        extra: Collection[str] = (),
    ) -> None:
        super().__init__(level)
        self._enabled = monitor.settings.enabled
        self._emit = monitor.emit
        self._service = service
        self._extra = tuple(extra)
        # Processes that write one series begin at different numbers, so that they seldom collide.
        self._numbers = itertools.count(os.getpid() * 7)
        self._log = RateLimitedLog()
        self.failures = 0
        """Records that could not be emitted."""

    def emit(self, record: logging.LogRecord) -> None:
        """Emit one record."""
        if not self._enabled or record.name in OWN or record.name.startswith(_BELOW):
            return
        try:
            self._emit(self._point(record))
        except Exception as error:
            self.failures += 1
            self._log.warning("log", f"a log record could not be emitted ({self.failures} so far): {error}")

    def _point(self, record: logging.LogRecord) -> Log:
        exception, traceback = None, record.exc_text
        if record.exc_info and record.exc_info[0] is not None:
            exception = record.exc_info[0].__qualname__
            traceback = traceback or _format_traceback(record.exc_info)
        fields = {name: value for name in self._extra if isinstance(value := getattr(record, name, None), _PLAIN)}
        return Log(
            time=int(record.created * 1_000_000) * 1_000 + next(self._numbers) % 1_000,
            service=self._service,
            level=_tag(record.levelname),
            logger=_tag(record.name),
            message=_encodable(_message(record)[:MAX_MESSAGE]),
            file=_encodable(record.pathname),
            line=record.lineno,
            function=record.funcName or "",
            thread=record.threadName or "",
            exception=exception,
            traceback=_encodable(traceback[-MAX_TRACEBACK:]) if traceback else None,
            fields=fields or None,
        )


_BELOW: Final = tuple(f"{name}." for name in OWN)
_PLAIN: Final = (str, int, float, bool)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg!r} with the arguments {record.args!r} ({type(error).__name__}: {error})"


def _tag(name: str) -> str:
    """A name as a tag value can hold it: on one line, without an end that would escape what follows."""
    text = "".join(character if character.isprintable() else "�" for character in name[:MAX_TAG])
    return _encodable(text.rstrip("\\")) or "none"


def _encodable(text: str) -> str:
    """Text without lone surrogates, which file names and foreign bytes bring along."""
    return text if text.isascii() else text.encode(errors="replace").decode()
