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
import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from tsmon.integrations.field_kinds import field_kinds_of
from tsmon.integrations.fitting import MARK, Plain, cut, fit_declared, fit_key, fit_tag, fit_time, to_text
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.line_protocol.values import MAX_INT64
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.emitter import Emitter
from tsmon.points.logs import Log
from tsmon.threads.locks import raise_interruption

__all__ = ["LogHandler"]

OWN: Final = ("tsmon", "tsmon_agent", "apscheduler.executors.tsmon", "apscheduler.schedulers.tsmon")
"""tsmon's own loggers: their records would be flushed, which logs more records, without end."""

MAX_MESSAGE: Final = 8_192
"""Length in characters to which messages are cut; of tracebacks the end is kept, of all else the start."""

MAX_TRACEBACK: Final = 32_768
MAX_NAME: Final = 4_096
MAX_TAG: Final = 256

_RECORDED: Final = frozenset(
    {"service", "level", "logger", "message", "file", "line", "function", "thread", "exception", "traceback"}
)
"""Keys that every record fills; an attribute of ``extra`` with one of these names gets another one."""

_format_traceback = logging.Formatter().formatException


class LogHandler(logging.Handler):
    """Emits a ``logs`` point for every record; never raises, and loses no record, whatever it contains.

    ``extra`` names attributes of records (set by ``logger.info(…, extra={…})``) that become additional fields, or
    fill the column that :class:`~tsmon.Log` declares. What line protocol has no type for is written as a text; what
    is too long is cut and ends with ``…``. The first value of a field decides its type. A later value that cannot
    be converted without loss goes to a field whose name ends with its own type: ``order_str`` beside ``order``. A
    mapping of names to types, such as ``{"order": int}``, decides the types, so that several processes agree.

    Records of tsmon's own loggers are ignored.

    The time is that of the record to the microsecond, the precision of ``logging``. The nanoseconds below number
    the records, so that two records of one logger in the same microsecond are two points.
    """

    def __init__(
        self,
        monitor: Emitter,
        *,
        service: str | None = None,
        level: int | str = logging.NOTSET,
        extra: Collection[str] | Mapping[str, type[Plain]] = (),
    ) -> None:
        super().__init__(level)
        self._monitor = monitor
        self._enabled = monitor.settings.enabled
        self._emit = monitor.emit
        self._service = service
        self._extra = tuple(extra)
        self._kinds = field_kinds_of(monitor.clock)
        if isinstance(extra, Mapping):
            for name, kind in extra.items():
                self._kinds.declare(_extra_key(name), kind)
        # Processes that write the same series start at different numbers, so that they seldom collide.
        self._numbers = itertools.count(os.getpid() * 7)
        self._log = RateLimitedLog()
        self.failures = 0
        """Number of records that could not be emitted."""
        self.changed = 0
        """Number of values that were converted, cut, stored under another name, or left out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Emit one record."""
        name: Any = record.name
        if not (self._enabled or self._monitor.settings.enabled):
            return
        try:
            if isinstance(name, str) and (name in OWN or name.startswith(_OWN_CHILDREN)):
                return
            self._emit(self._build_point(record))
        except Exception as error:
            raise_interruption(error)
            self.failures += 1
            reason = to_text(error)
            self._log.warning("log", f"a log record could not be emitted ({self.failures} so far): {reason}")

    def _build_point(self, record: logging.LogRecord) -> Log:
        exception, traceback = _describe_exception(record)
        values: dict[str, Any] = {
            "time": fit_time(self._time_ns(record)),
            "service": self._service,
            "level": fit_tag(record.levelname, MAX_TAG) or "none",
            "logger": fit_tag(record.name, MAX_TAG) or "none",
            "message": self._text(_format_message(record), MAX_MESSAGE),
            "file": self._text(record.pathname, MAX_NAME),
            "line": record.lineno if type(record.lineno) is int and 0 <= record.lineno <= MAX_INT64 else 0,
            "function": self._text(record.funcName, MAX_NAME),
            "thread": self._text(record.threadName, MAX_NAME),
            "exception": exception,
            "traceback": traceback,
        }
        fields = self._add_extra(record, values) if self._extra else None
        return Log(**values, fields=fields or None)

    def _add_extra(self, record: logging.LogRecord, values: dict[str, Any]) -> dict[str, Plain]:
        """Add the attributes that ``extra`` names to ``values``; return those that are additional fields."""
        declared = {column.key: column for column in Log.__declaration__.columns}
        fields: dict[str, Plain] = {}
        for name in self._extra:
            try:
                value = getattr(record, name, None)
            except Exception as error:  # a property of a record class of the program's own
                raise_interruption(error)
                value = f"<{type(error).__name__}>"
            column = None if name in _RECORDED else declared.get(name)
            if column is None:
                self.changed += not self._kinds.add(fields, _extra_key(name), value, declared)
            elif value is not None:
                fitted = fit_declared(value, column.type, tag=column.tag)
                self.changed += fitted is not value
                if fitted is not None:
                    values[column.attribute] = fitted
                else:
                    self._kinds.add(fields, f"{name}_value", value, declared)
        return fields

    def _text(self, value: object, limit: int) -> str:
        if value is None:
            return ""
        text = cut(to_text(value), limit)
        self.changed += not isinstance(value, str) or text != value
        return text

    def _time_ns(self, record: logging.LogRecord) -> int:
        try:
            time_us = int(float(record.created) * 1_000_000)
        except Exception as error:
            raise_interruption(error)
            time_us = time.time_ns() // 1_000
        if abs(time_us) >= MAX_TIME_NS // 1_000:
            time_us = time.time_ns() // 1_000
        return time_us * 1_000 + next(self._numbers) % 1_000


_OWN_CHILDREN: Final = tuple(f"{name}." for name in OWN)


def _extra_key(name: str) -> str:
    key = fit_key(name)
    return f"extra_{key}" if key in _RECORDED else key


def _format_message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        raise_interruption(error)
        message, arguments = (_represent(one) for one in (record.msg, record.args))
        return f"{message} with the arguments {arguments} ({type(error).__name__}: {to_text(error)})"


def _represent(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_represent, value))}{',' if len(value) == 1 else ''})"
    try:
        return repr(value)
    except Exception as error:
        raise_interruption(error)
        return to_text(value)


def _describe_exception(record: logging.LogRecord) -> tuple[str | None, str | None]:
    """Return the class and the traceback of the exception that was logged with a record, if there is one."""
    exception, traceback = None, None
    try:
        traceback = record.exc_text or None
        if record.exc_info and record.exc_info[0] is not None:
            exception = record.exc_info[0].__qualname__
            traceback = traceback or _format_traceback(record.exc_info)
    except Exception as error:
        raise_interruption(error)
        traceback = f"the traceback cannot be formatted ({type(error).__name__}: {to_text(error)})"
    text = None if traceback is None else to_text(traceback)
    if text is not None and len(text) > MAX_TRACEBACK:
        text = MARK + text[len(MARK) - MAX_TRACEBACK :]
    return (None if exception is None else to_text(exception)), text
