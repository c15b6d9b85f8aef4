"""Log records as points."""

import logging
import logging.config
import logging.handlers
import queue
import sys
import time
from collections.abc import Iterator

import pytest

from tsmon import Monitor, Tag
from tsmon.integrations.logging import MAX_MESSAGE, MAX_TRACEBACK, LogHandler
from tsmon.points.logs import Log
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
    for name in ("tsmon", "tsmon.part", "tsmon_agent.web", "apscheduler.executors.tsmon"):
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
