"""The intake of a Monitor: from ``emit`` to the buffer."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tsmon.clock import UniqueClock
from tsmon.delivery.accounting import Counts
from tsmon.delivery.buffer import LONG_LINE, Buffer
from tsmon.errors import InvalidPointError
from tsmon.line_protocol import Encoding
from tsmon.line_protocol.foreign_points import ForeignPoint
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.from_settings import build_encoding
from tsmon.monitor.refusals import list_points, log_refused
from tsmon.monitor.series_guard import SeriesGuard
from tsmon.points import Point

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["Intake"]


class Intake(ABC):
    """Takes points, encodes them and appends them to a buffer.

    A base of the Monitor, not a part of it, so that the one call of ``emit`` that a program makes is the only one.
    While ``_functions`` is empty, each point takes the way through :meth:`_emit_other`.
    """

    _buffer: Buffer
    _seal: Callable[[], None]

    def __init__(self, settings: "MonitoringSettings", service: str | None) -> None:
        self._service = service
        self._raise_invalid = settings.on_invalid == "raise"
        self._refusals = RateLimitedLog()
        self._clock = UniqueClock()
        self._guard = SeriesGuard(settings.series_limit)
        self._encoding = build_encoding(settings, service, self._clock, self._guard)
        self._functions = self._encoding.encoders

    @property
    @abstractmethod
    def _drops_points(self) -> bool:
        """Whether points are dropped instead of accepted."""

    @abstractmethod
    def _restart_if_forked(self) -> None:
        """At the first point in a forked child: run the thread that the parent ran."""

    @abstractmethod
    def _reopen_at_exit(self) -> bool:
        """Take points although the Monitor has been stopped, if that was at the exit of the program."""

    @abstractmethod
    def _write_late(self) -> None:
        """Write these points at once."""

    @property
    def counts(self) -> Counts:
        """The accounting at this moment."""
        return self._buffer.counts(nonfinite_fields=self._encoding.nonfinite)

    @property
    def series(self) -> int:
        """Number of distinct series (measurement and tags) emitted so far, within 2 %."""
        return self._guard.series

    @property
    def sequence(self) -> int:
        """Sequence number of the last accepted point, counted from 1; see :attr:`durable_sequence`.

        Points that the Monitor itself emits are counted, too.
        """
        return self._buffer.newest

    @property
    def durable_sequence(self) -> int:
        """Sequence number up to which every point is on disk, written, or dropped and counted.

        With the spool ``required`` every point goes to disk before it is sent. To know that a point survives
        kill -9, read :attr:`sequence` after emitting it and wait until this number is no smaller.
        """
        return self._buffer.durable

    @property
    def clock(self) -> UniqueClock:
        """The source of taken times."""
        return self._clock

    def take_time_ns(self) -> int:
        """Take the current time, unique within this process, for an event whose point is emitted later."""
        try:
            return int(next(self._clock.ticks))
        except (ValueError, StopIteration):
            return self._clock()

    def emit(self, point: Point | ForeignPoint | Iterable[Point | ForeignPoint]) -> None:
        """Take one point or several, of influxdb-client too; returns at once, regardless of network and disk.

        A point that cannot be stored raises :class:`~tsmon.errors.InvalidPointError` here (and then none of several
        is taken), unless the setting ``on_invalid`` is ``drop``: then it is counted, and a reason is logged once a
        minute. After the stop points are dropped and counted.
        """
        try:
            function = self._functions[type(point)]  # type: ignore[index]
        except KeyError:
            self._emit_other(point)
            return
        try:
            line = function(point)
        except InvalidPointError:
            self._refuse(1)
            return
        buffer = self._buffer
        lines = buffer.lines
        lines.append(line)
        if len(lines) >= buffer.block_lines or len(line) > LONG_LINE:
            self._seal()

    def _emit_other(self, point: object) -> None:
        try:
            points = list_points(point)
        except InvalidPointError:
            self._refuse(1)
            return
        if not self._drops_points:
            self._restart_if_forked()
            self._append(points)
        elif self._reopen_at_exit():
            try:
                self._append(points)
            finally:
                self._write_late()
        else:
            self._buffer.accept_dropped(len(points), "stopped")

    def _append(self, points: Sequence[Point]) -> None:
        lines = []
        for one in points:
            try:
                lines.append(self._encoding.encode(one))
            except InvalidPointError:
                self._refuse(len(points) if self._raise_invalid else 1)
        buffer = self._buffer
        for line in lines:
            buffer.lines.append(line)
            if len(buffer.lines) >= buffer.block_lines or len(line) > LONG_LINE:
                self._seal()

    def _refuse(self, points: int) -> None:
        """Count refused points, while an InvalidPointError is being handled; raises it again, or logs it."""
        self._buffer.refuse(points)
        if self._raise_invalid:
            raise  # noqa: PLE0704
        log_refused(self._refusals, sys.exception())

    def _build_encoding(self, settings: "MonitoringSettings") -> Encoding:
        """The encoding that ``settings`` describe; raises if they describe none."""
        return build_encoding(settings, self._service, self._clock, self._guard)

    def _use_encoding(self, encoding: Encoding, settings: "MonitoringSettings") -> None:
        """Encode by ``settings`` from now on."""
        encoding.nonfinite = self._encoding.nonfinite
        self._guard.set_limit(settings.series_limit)
        self._encoding = encoding
        self._functions = encoding.encoders
        self._raise_invalid = settings.on_invalid == "raise"
