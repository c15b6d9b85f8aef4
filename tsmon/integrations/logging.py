"""Log records as points, next to any other handlers.

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
from tsmon.work.work_data import WorkData

__all__ = ["LogHandler"]

OWN: Final = ("tsmon", "tsmon_agent", "apscheduler.executors.tsmon")
"""tsmon's own loggers: their records would be flushed, which logs more records, without end."""

MAX_MESSAGE: Final = 8_192
"""Length in characters to which messages are cut; of tracebacks the end is kept, of tags the start."""

MAX_TRACEBACK: Final = 32_768
MAX_TAG: Final = 256

_format_traceback = logging.Formatter().formatException


class LogHandler(logging.Handler):
    """Emits a ``logs`` point for every record; never raises, whatever a record contains.

    ``extra`` names attributes of records (set by ``logger.info(…, extra={…})``) that become additional fields, or
    fill the column that :class:`~tsmon.Log` declares, if they are str, int, float or bool. Records of tsmon's own
    loggers are ignored.

    The time is that of the record to the microsecond, the precision of ``logging``. The nanoseconds below number
    the records, so that two records of one logger in the same microsecond are two points.
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
        # Processes that write the same series start at different numbers, so that they seldom collide.
        self._numbers = itertools.count(os.getpid() * 7)
        self._log = RateLimitedLog()
        self.failures = 0
        """Number of records that could not be emitted."""

    def emit(self, record: logging.LogRecord) -> None:
        """Emit one record."""
        if not self._enabled or record.name in OWN or record.name.startswith(_OWN_CHILDREN):
            return
        try:
            self._emit(self._build_point(record))
        except Exception as error:
            self.failures += 1
            self._log.warning("log", f"a log record could not be emitted ({self.failures} so far): {error}")

    def _build_point(self, record: logging.LogRecord) -> Log:
        exception, traceback = None, record.exc_text
        if record.exc_info and record.exc_info[0] is not None:
            exception = record.exc_info[0].__qualname__
            traceback = traceback or _format_traceback(record.exc_info)
        extra = WorkData()
        for name in self._extra:
            if isinstance(value := getattr(record, name, None), _FIELD_TYPES):
                extra.fields[name] = value
        return extra.make_point(
            Log,
            time=int(record.created * 1_000_000) * 1_000 + next(self._numbers) % 1_000,
            service=self._service,
            level=_clean_tag(record.levelname),
            logger=_clean_tag(record.name),
            message=_replace_surrogates(_format_message(record)[:MAX_MESSAGE]),
            file=_replace_surrogates(record.pathname),
            line=record.lineno,
            function=record.funcName or "",
            thread=record.threadName or "",
            exception=exception,
            traceback=_replace_surrogates(traceback[-MAX_TRACEBACK:]) if traceback else None,
        )


_OWN_CHILDREN: Final = tuple(f"{name}." for name in OWN)
_FIELD_TYPES: Final = (str, int, float, bool)


def _format_message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg!r} with the arguments {record.args!r} ({type(error).__name__}: {error})"


def _clean_tag(name: str) -> str:
    """Return a name as a valid tag value: printable, on one line, without a backslash at its end."""
    text = "".join(character if character.isprintable() else "�" for character in name[:MAX_TAG])
    return _replace_surrogates(text.rstrip("\\")) or "none"


def _replace_surrogates(text: str) -> str:
    """Return text without lone surrogates, which file names and undecodable bytes contain."""
    return text if text.isascii() else text.encode(errors="replace").decode()
