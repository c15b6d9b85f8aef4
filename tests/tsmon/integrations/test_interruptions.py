"""What a signal handler raises in a callback, or while a value is read, is the program's, and reaches it."""

import logging
import signal
from collections import UserDict
from collections.abc import Callable
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.alarms import AlarmError, Firing, alarms
from tests.services.points import Numbered
from tsmon import InvalidPointError, Monitor
from tsmon.integrations.aiohttp_exchange import Exchange
from tsmon.integrations.django import RouteMiddleware
from tsmon.integrations.logging import LogHandler
from tsmon.integrations.quart_route import _record
from tsmon.integrations.recorder import RequestRecorder
from tsmon.integrations.wsgi_response import end_with_close
from tsmon.monitor.sources import Sources
from tsmon.settings import MonitoringSettings
from tsmon.testing import MemoryStore

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")


def make_monitor() -> Monitor:
    settings = MonitoringSettings(self_metrics_period=0, on_invalid="drop")
    return Monitor(settings, service="s", store=MemoryStore())


def make_record(**attributes: Any) -> logging.LogRecord:
    record = logging.LogRecord("program", logging.INFO, __file__, 1, "%s", (), None)
    record.__dict__.update(attributes)
    return record


def log(value: Firing, **attributes: Any) -> None:
    handler = LogHandler(make_monitor(), extra=["order"])
    handler.handle(make_record(**attributes))


def request(value: Firing, **data: Any) -> None:
    recorder = RequestRecorder(make_monitor())
    opened = recorder.begin()
    opened.fields.update(data)
    recorder.end(opened, "GET", "/", 500)
    try:
        recorder._points.emit_all(recorder._waiting)
    finally:
        assert recorder.failures == 0


def fail_with_code(value: Firing) -> None:
    recorder = RequestRecorder(make_monitor())
    recorder.end(recorder.begin(), "GET", "/", 500, value)  # type: ignore[arg-type]


def fill(value: Firing) -> None:
    recorder = RequestRecorder(make_monitor())
    recorder._fill = {"tenant": value}  # type: ignore[dict-item]
    recorder.fill_columns(recorder.begin(), None)


def foreign(value: Firing) -> None:
    from influxdb_client import Point

    point = Point("m").field("n", 1)
    point.to_line_protocol = value  # type: ignore[method-assign,assignment]
    make_monitor().emit(point)


class Mapped(UserDict[str, int]):
    """Additional fields that are the value's to read."""

    def __init__(self, value: Firing) -> None:
        self.value = value

    def items(self) -> Any:
        return self.value()


def collect(value: Firing) -> None:
    sources = Sources(lambda point: None)
    sources.add(SimpleNamespace(collect=value, forget=value))  # type: ignore[arg-type]
    sources.collect()


def forget(value: Firing) -> None:
    sources = Sources(lambda point: None)
    sources.add(SimpleNamespace(collect=value, forget=value))  # type: ignore[arg-type]
    sources.forget()


class Asked:
    """Any other attribute of it is the value's to read."""

    close = None

    def __init__(self, value: Firing) -> None:
        self.__dict__["value"] = value

    def __getattr__(self, name: str) -> Any:
        return self.value()

    def __setattr__(self, name: str, value: object) -> None:
        self.value()


def end_file(value: Firing) -> None:
    end_with_close(Asked(value), SimpleNamespace(end=lambda status: None, status=200))  # type: ignore[arg-type]


def end_aiohttp(value: Firing) -> None:
    recorder = RequestRecorder(make_monitor())
    request = SimpleNamespace(match_info=Asked(value), method="GET", headers={})
    Exchange(recorder, recorder.begin(), request, "id").end(200)  # type: ignore[arg-type]


def read_django_route(value: Firing) -> None:
    RouteMiddleware(lambda request: None).process_view(Asked(value))


SITES: dict[str, Callable[[Firing], object]] = {
    "argument of a record": lambda value: log(value, args=(value,)),
    "message of a record": lambda value: log(value, msg=value),
    "extra of a record": lambda value: log(value, order=value),
    "data of a request": lambda value: request(value, order=value),
    "code of a request": fail_with_code,
    "function of fill": fill,
    "value of a point": lambda value: make_monitor().emit(Numbered(n=value)),  # type: ignore[arg-type]
    "fields of a point": lambda value: make_monitor().emit(Numbered(n=1, fields=Mapped(value))),  # type: ignore[arg-type]
    "point of influxdb-client": foreign,
    "source": collect,
    "source that forgets": forget,
    "file of WSGI": end_file,
    "route of aiohttp": end_aiohttp,
    "route of Django": read_django_route,
    "route of Quart": lambda value: _record(Asked(value)),
}


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_only_what_a_signal_handler_raises_reaches_the_program(site: Callable[[Firing], object]) -> None:
    with alarms():
        # In a context of its own, for a request that is begun here, and never ends.
        copy_context().run(site, Firing(by_signal=False))
        with pytest.raises(AlarmError):
            copy_context().run(site, Firing())


def test_an_alarm_is_not_taken_for_a_point_that_is_invalid() -> None:
    monitor = Monitor(MonitoringSettings(self_metrics_period=0), service="s", store=MemoryStore())
    with alarms():
        with pytest.raises(AlarmError):
            monitor.emit(Numbered(n=Firing()))  # type: ignore[arg-type]
        with pytest.raises(InvalidPointError, match="…"):
            monitor.emit(Numbered(n=Firing(by_signal=False)))  # type: ignore[arg-type]
