"""Log records as points."""

import logging
import logging.config
import logging.handlers
import queue
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.services.every_store import STORES
from tsmon import Monitor, Tag
from tsmon.integrations.logging import MAX_MESSAGE, MAX_TRACEBACK, LogHandler
from tsmon.points.logs import Log
from tsmon.settings import MonitoringSettings, load_settings
from tsmon.stores import Selector
from tsmon.testing import EmittedPoints

monitor: Monitor


@pytest.fixture
def handler(tsmon: EmittedPoints) -> LogHandler:
    global monitor
    monitor = Monitor(service="faces")
    return LogHandler(monitor, extra=["camera", "odd"])


@pytest.fixture
def logger(handler: LogHandler) -> Iterator[logging.Logger]:
    logger = logging.getLogger("service.part")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_record_is_a_point(logger: logging.Logger, tsmon: EmittedPoints) -> None:
    before_ns = time.time_ns()
    logger.warning("%d frames of %s are late", 3, "west", extra={"camera": "west", "odd": object(), "other": 1})
    point = tsmon.one(Log)
    assert (point.service, point.level, point.logger) == ("faces", "WARNING", "service.part")
    assert point.message == "3 frames of west are late"
    assert point.file == __file__
    assert point.function == "test_a_record_is_a_point"
    assert point.line > 0
    assert point.thread == "MainThread"
    assert point.exception is None
    assert point.traceback is None
    assert point.fields == {"camera": "west"}
    assert isinstance(point.time, int)
    assert before_ns - 2_000 <= point.time <= time.time_ns() + 1_000


def test_an_extra_attribute_fills_the_column_that_declares_it(
    logger: logging.Logger, tsmon: EmittedPoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CameraLog(Log):
        camera: Tag[str | None] = None
        frames: int = 1

    monkeypatch.setattr("tsmon.integrations.logging.Log", CameraLog)
    logger.warning("late", extra={"camera": "west"})
    point = tsmon.one(CameraLog)
    assert (point.camera, point.frames, point.fields) == ("west", 1, None)


def test_an_exception_comes_with_its_traceback(logger: logging.Logger, tsmon: EmittedPoints) -> None:
    try:
        raise ZeroDivisionError("too few")
    except ZeroDivisionError:
        logger.exception("no mean")
    point = tsmon.one(Log)
    assert point.exception == "ZeroDivisionError"
    assert point.traceback is not None
    assert point.traceback.startswith("Traceback")
    assert point.traceback.endswith("ZeroDivisionError: too few")


def test_records_of_one_microsecond_are_points_of_their_own(handler: LogHandler, tsmon: EmittedPoints) -> None:
    for n in range(1000):
        record = logging.LogRecord("a", logging.INFO, "f.py", 1, "%d", (n,), None)
        record.created = 1_700_000_000.25
        handler.handle(record)
    times = {point.time for point in tsmon.points(Log)}
    assert len(times) == 1000
    assert {int(str(time_ns)) // 1000 for time_ns in times} == {1_700_000_000_250_000}


def test_records_of_tsmon_itself_are_ignored(handler: LogHandler, tsmon: EmittedPoints) -> None:
    for name in (
        "tsmon",
        "tsmon.part",
        "tsmon_agent.web",
        "apscheduler.executors.tsmon",
        "apscheduler.schedulers.tsmon",
    ):
        handler.handle(logging.LogRecord(name, logging.ERROR, "f.py", 1, "x", (), None))
    tsmon.none(Log)
    handler.handle(logging.LogRecord("tsmonitor", logging.ERROR, "f.py", 1, "x", (), None))
    tsmon.one(Log, logger="tsmonitor")


def test_levels_below_the_handlers_are_left_out(tsmon: EmittedPoints) -> None:
    logger = logging.getLogger("quiet.part")
    logger.setLevel(logging.DEBUG)
    handler = LogHandler(Monitor(service="s"), level="ERROR")
    logger.addHandler(handler)
    logger.warning("no")
    logger.error("yes")
    logger.removeHandler(handler)
    assert tsmon.one(Log).message == "yes"


def test_long_messages_and_tracebacks_are_cut(logger: logging.Logger, tsmon: EmittedPoints) -> None:
    try:
        raise ValueError("x" * 100_000)
    except ValueError:
        logger.exception("m" * 100_000)
    point = tsmon.one(Log)
    assert len(point.message) == MAX_MESSAGE
    assert point.traceback is not None
    assert len(point.traceback) == MAX_TRACEBACK


@pytest.mark.parametrize(
    ("name", "message", "args"),
    [
        ("new\nline", "with\0zero", ()),
        ("end\\", "%d", ("no number",)),
        ("", "", ()),
        ("lone \udcff", "lone \udcff surrogate", ()),
        ("x" * 100_000, "🦊", ()),
    ],
)
def test_unusual_records_are_emitted_too(
    handler: LogHandler, tsmon: EmittedPoints, name: str, message: str, args: tuple[object, ...]
) -> None:
    handler.handle(logging.LogRecord(name, logging.INFO, "f.py", 1, message, args, None))
    assert handler.failures == 0
    tsmon.one(Log)


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no text")

    __str__ = __repr__


class Untrue:
    """As an array of NumPy: it is neither true nor equal to anything."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Own(logging.LogRecord):
    @property
    def camera(self) -> str:
        raise LookupError("no camera")


def raised(error: Exception) -> object:
    try:
        raise error
    except Exception:
        return sys.exc_info()


@pytest.mark.parametrize(
    "attributes",
    [
        {"pathname": "/srv/caf\udce9/a.py"},
        {"pathname": None},
        {"pathname": Path("a.py")},
        {"lineno": None},
        {"lineno": 2**70},
        {"lineno": "7"},
        {"lineno": True},
        {"funcName": None},
        {"funcName": "f\udc80"},
        {"funcName": 5},
        {"threadName": "t\udc80\n"},
        {"threadName": 5},
        {"levelname": None},
        {"levelname": "a\nb\\"},
        {"levelname": 5},
        {"name": None},
        {"name": ["x"]},
        {"name": "\udc80"},
        {"created": float("nan")},
        {"created": float("inf")},
        {"created": 1e300},
        {"created": None},
        {"created": -1.0},
        *({"created": seconds} for seconds in (0.0, 0.5, 1.0, 1_000.0, 1e6)),
        {"msg": Broken(), "args": ()},
        {"msg": Broken(), "args": (1,)},
        {"msg": "%d", "args": ("x",)},
        {"msg": "%d", "args": (Broken(),)},
        {"msg": "%s", "args": (Broken(),)},
        {"msg": "%(a)s", "args": {"b": 1}},
        {"msg": "%s %s", "args": (1,)},
        {"msg": None, "args": None},
        {"msg": b"bytes \xff", "args": ()},
        {"msg": {"nested": [1, 2]}, "args": ()},
        {"msg": "m\0\udc80" * 2**20, "args": ()},
        {"msg": "x", "args": (), "exc_info": raised(BrokenError())},
        {"msg": "x", "args": (), "exc_info": raised(ValueError("\udc80" * 2**21))},
        {"msg": "x", "args": (), "exc_info": raised(ExceptionGroup("all", [BrokenError(), ValueError("a\0")]))},
        {"msg": "x", "args": (), "exc_info": True},
        {"msg": "x", "args": (), "exc_info": 5},
        {"exc_text": 5},
        *({name: Untrue()} for name in ("name", "funcName", "threadName", "exc_text", "created", "exc_info")),
        {"created": "text"},
        {"created": Decimal("sNaN")},
        {"exc_text": "\udc80" * 100_000},
        *(
            {"camera": value}
            for value in (
                2**70,
                -(2**64),
                10**5000,
                "x" * 2**21,
                "\udc80",
                "a\0b",
                float("nan"),
                float("inf"),
                Broken(),
            )
        ),
        *(
            {"camera": value}
            for value in (None, {"a": [1]}, [Broken()], b"\xff", Decimal("1e999"), object(), 1j, set)
        ),
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_no_record_is_lost_for_one_value(
    handler: LogHandler, tsmon: EmittedPoints, attributes: dict[str, object]
) -> None:
    record = logging.LogRecord("a", logging.INFO, "f.py", 1, "message", (), None)
    record.__dict__.update(attributes)
    handler.handle(record)
    assert handler.failures == 0
    point = tsmon.one(Log)
    assert "\udc80" not in repr(point)
    assert len(point.message) <= MAX_MESSAGE


def test_a_record_class_whose_property_fails_is_emitted_too(handler: LogHandler, tsmon: EmittedPoints) -> None:
    handler.handle(Own("a", logging.INFO, "f.py", 1, "message", (), None))
    assert tsmon.one(Log).fields == {"camera": "<LookupError>"}


def test_cut_texts_are_marked_and_counted(
    logger: logging.Logger, handler: LogHandler, tsmon: EmittedPoints
) -> None:
    try:
        raise ValueError("x" * 100_000)
    except ValueError:
        logger.exception("m" * 100_000, extra={"camera": "c" * 2**21})
    point = tsmon.one(Log)
    assert point.message == "m" * (MAX_MESSAGE - 1) + "…"
    assert point.traceback == "…" + "x" * (MAX_TRACEBACK - 1)
    assert point.fields is not None
    assert str(point.fields["camera"]) == "c" * (2**20 - 3) + "…"
    assert handler.changed == 2


def test_an_attribute_with_the_name_of_a_column_has_a_field_of_its_own(tsmon: EmittedPoints) -> None:
    names = ["file", "line", "service", "level", "time", "a\nb", "_x"]
    handler = LogHandler(Monitor(service="s"), extra=names)
    record = logging.LogRecord("a", logging.INFO, "f.py", 1, "message", (), None)
    record.__dict__.update({name: f"own {name}" for name in names})
    handler.handle(record)
    point = tsmon.one(Log)
    assert (point.file, point.line, point.service, point.level) == ("f.py", 1, "s", "INFO")
    assert point.fields == {
        "extra_file": "own file",
        "extra_line": "own line",
        "extra_service": "own service",
        "extra_level": "own level",
        "time_": "own time",
        "a_b": "own a\nb",
        "x": "own _x",
    }


@pytest.mark.parametrize("name", sorted(STORES))
async def test_a_field_whose_type_changes_loses_no_record_in_the_store(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    """On every store, the handlers of one Monitor together."""
    file = tmp_path / "store.toml"
    file.write_text(f'[monitoring]\nstore = "{name}"\n{STORES[name](request)}\n')
    async with Monitor(load_settings(file).monitoring, service="s") as monitor:
        handlers = LogHandler(monitor, extra=["order"]), LogHandler(monitor, extra=["order"])
        for number, value in enumerate((17, "a", 2.5, 3.0, True, 2**70, None, {"a": 1})):
            record = logging.LogRecord("a", logging.INFO, "f.py", number, "message", (), None)
            record.order = value
            handlers[number % 2].handle(record)
        await monitor.flush(10)
        assert (monitor.counts.written, monitor.counts.dropped) == (8, 0)
        found = {}
        for field in ("order", "order_str", "order_float", "order_bool", "line"):
            [values] = await monitor.store.values(Selector("logs", field), start_ns=0, stop_ns=2**62)
            found[field] = sorted(values.values)
    assert found == {
        "order": [3, 17],
        "order_str": [str(2**70), "a", "{'a': 1}"],
        "order_float": [2.5],
        "order_bool": [True],
        "line": list(range(8)),
    }


async def test_declared_types_make_several_processes_agree(tmp_path: Path) -> None:
    settings = MonitoringSettings(store="sqlite", file=tmp_path / "logs.db")
    for values in ((17, "a"), ("b", 18, 1.5)):  # each as if in a process of its own
        async with Monitor(settings, service="s") as monitor:
            handler = LogHandler(monitor, extra={"order": int})
            for value in values:
                record = logging.LogRecord("a", logging.INFO, "f.py", 1, "message", (), None)
                record.order = value
                handler.handle(record)
            await monitor.flush(10)
            assert (monitor.counts.written, monitor.counts.dropped) == (len(values), 0)


def test_what_cannot_be_emitted_is_counted_and_never_raised(
    tsmon: EmittedPoints, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogHandler(Monitor())  # no service name
    for _ in range(3):
        handler.handle(logging.LogRecord("a", logging.INFO, "f.py", 1, "x", (), None))
    assert handler.failures == 3
    assert len([record for record in caplog.records if "could not be emitted" in record.message]) == 1
    assert capsys.readouterr().err == ""


def test_a_handler_from_a_dictionary(tsmon: EmittedPoints) -> None:
    global monitor
    monitor = Monitor(service="s")
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "points": {
                "class": "tsmon.integrations.logging.LogHandler",
                "monitor": f"ext://{__name__}.monitor",
                "level": "WARNING",
            }
        },
        "loggers": {"from.dictionary": {"handlers": ["points"], "level": "DEBUG", "propagate": False}},
    }
    sys.modules.setdefault(__name__, sys.modules[test_a_handler_from_a_dictionary.__module__])
    logging.config.dictConfig(config)
    logger = logging.getLogger("from.dictionary")
    logger.info("no")
    logger.error("yes")
    logger.handlers.clear()
    assert tsmon.one(Log).message == "yes"


def test_a_record_keeps_its_time_behind_a_queue(handler: LogHandler, tsmon: EmittedPoints) -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    listener = logging.handlers.QueueListener(waiting, handler)
    record = logging.LogRecord("a", logging.INFO, "f.py", 1, "x", (), None)
    logging.handlers.QueueHandler(waiting).handle(record)
    listener.start()
    listener.stop()
    point = tsmon.one(Log)
    assert isinstance(point.time, int)
    assert point.time // 1_000 == int(record.created * 1_000_000)


async def test_records_after_the_stop_are_dropped_silently(tsmon: EmittedPoints) -> None:
    stopped = Monitor(service="s")
    async with stopped:
        pass
    handler = LogHandler(stopped)
    handler.handle(logging.LogRecord("a", logging.INFO, "f.py", 1, "x", (), None))
    assert handler.failures == 0
    assert stopped.counts.dropped == 1
