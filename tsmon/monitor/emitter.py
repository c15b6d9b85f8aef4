"""What others need of a Monitor, as protocols, so that nobody depends on where it runs."""

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from tsmon.clock import UniqueClock
from tsmon.delivery.accounting import Counts
from tsmon.monitor.source import Source
from tsmon.points import Point

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["STOP_TIMEOUT_S", "AsyncEmitter", "Emitter"]

STOP_TIMEOUT_S: Final = 5.0
"""Default limit of the last flush."""


class Emitter(Protocol):
    """What code that emits points needs: a :class:`~tsmon.Monitor`, its blocking face, or a stand-in of a test."""

    @property
    def emit(self) -> Callable[[Point | Iterable[Point]], None]:
        """See :meth:`tsmon.Monitor.emit`."""

    @property
    def add_source(self) -> Callable[[Source], None]:
        """See :meth:`tsmon.Monitor.add_source`."""

    @property
    def settings(self) -> "MonitoringSettings":
        """See :attr:`tsmon.Monitor.settings`."""

    @property
    def clock(self) -> UniqueClock:
        """See :attr:`tsmon.Monitor.clock`."""


class AsyncEmitter(Emitter, Protocol):
    """What the blocking face needs of the Monitor that it runs: everything that it offers itself."""

    @property
    def take_time_ns(self) -> Callable[[], int]:
        """See :meth:`tsmon.Monitor.take_time_ns`."""

    @property
    def counts(self) -> Counts:
        """See :attr:`tsmon.Monitor.counts`."""

    @property
    def series(self) -> int:
        """See :attr:`tsmon.Monitor.series`."""

    @property
    def sequence(self) -> int:
        """See :attr:`tsmon.Monitor.sequence`."""

    @property
    def durable_sequence(self) -> int:
        """See :attr:`tsmon.Monitor.durable_sequence`."""

    @property
    def last_error(self) -> str | None:
        """See :attr:`tsmon.Monitor.last_error`."""

    @property
    def flush_period_s(self) -> float:
        """See :attr:`tsmon.Monitor.flush_period_s`."""

    def set_flush_period(self, seconds: float) -> None:
        """See :meth:`tsmon.Monitor.set_flush_period`."""

    def start(self) -> Coroutine[Any, Any, None]:
        """See :meth:`tsmon.Monitor.start`."""

    def flush(self, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        """See :meth:`tsmon.Monitor.flush`."""

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> Coroutine[Any, Any, None]:
        """See :meth:`tsmon.Monitor.stop`."""
