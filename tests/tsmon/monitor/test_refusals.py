"""What emit refuses: one type of error, counted, and logged at a limited rate where points are dropped."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tsmon import InvalidPointError, Monitor, Point, SettingsError, Tag
from tsmon.settings import MonitoringSettings
from tsmon.stores.memory import MemoryStore


class Exposure(Point, measurement="exposures"):
    detector: Tag[str]
    duration: float


class Plain(Point, measurement="plain"):
    duration: float


class Derived(str):
    """A text of another class."""


class Broken:
    """Neither a mapping nor anything else."""

    def __bool__(self) -> bool:
        raise TypeError


class Unprintable:
    """What has no ``repr``."""

    def __repr__(self) -> str:
        raise ValueError


class BrokenMapping(dict[str, Any]):
    """A mapping that cannot be read."""

    def items(self) -> Any:
        raise RuntimeError("no items")


NO_MAPPINGS = ["x", "", b"x", ["a"], [], [("a", 1)], ("a",), {"a"}, 5, 0, Broken(), object, Derived("x")]


def emitting(**keys: Any) -> Monitor:
    return Monitor(MonitoringSettings(self_metrics_period=0, **keys), store=MemoryStore())


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "tsmon"):
        yield caplog


@pytest.mark.parametrize("as_several", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("on_invalid", ["raise", "drop"])
@pytest.mark.parametrize("attribute", ["tags", "fields"])
@pytest.mark.parametrize("given", NO_MAPPINGS, ids=lambda value: type(value).__name__)
def test_tags_and_fields_that_are_no_mappings(
    given: Any, attribute: str, on_invalid: str, as_several: bool, warnings: pytest.LogCaptureFixture
) -> None:
    monitor = emitting(on_invalid=on_invalid)
    reason = f"has {attribute} of type {type(given).__name__}; give a mapping of names to values, such as "
    points = [Exposure(detector="w", duration=1, **{attribute: given}), Plain(duration=1, **{attribute: given})]
    for point in points * 2:
        passed: Any = [point] if as_several else point
        if on_invalid == "raise":
            with pytest.raises(InvalidPointError, match=reason):
                monitor.emit(passed)
        else:
            monitor.emit(passed)
    assert (monitor.counts.accepted, monitor.counts.refused) == (0, 4)
    assert len(warnings.records) == (on_invalid == "drop")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("exposures,detector=west duration=1", "a text of type str is no point; emit() takes one point or several"),
        ("", "a text of type str is no point; "),
        (Derived("x"), "a text of type Derived is no point; "),
        (b"exposures duration=1", "a text of type bytes is no point; "),
        (bytearray(b"x"), "a text of type bytearray is no point; "),
        ({"detector": "west"}, "a mapping of type dict is no point; emit() takes one point or several; declare"),
        ({}, "a mapping of type dict is no point; "),
        (Exposure, "Exposure is a class and no point; pass an instance: Exposure(…)"),
        (None, "None is no point; emit() takes one point or several"),
        (Unprintable(), "<Unprintable …> is no point; emit() takes one point or several"),
        (10**5000, "<int …> is no point; emit() takes one point or several"),
        (["exposures duration=1"], "str is not a point class with a measurement"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Unprintable | int) else repr(value),
)
def test_what_is_no_point_is_refused_once_and_explained(given: Any, reason: str) -> None:
    monitor = emitting()
    with pytest.raises(InvalidPointError) as caught:
        monitor.emit(given)
    assert str(caught.value).startswith(reason)
    assert (monitor.counts.accepted, monitor.counts.refused) == (0, 1)
    dropping = emitting(on_invalid="drop")
    dropping.emit(given)
    assert (dropping.counts.accepted, dropping.counts.refused) == (0, 1)


@pytest.mark.parametrize("attribute", ["tags", "fields"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({Unprintable(): 1}, "an additional %s whose key is <Unprintable …>; keys are str"),
        ({10**5000: 1}, "an additional %s whose key is <int …>; keys are str"),
        (BrokenMapping(), "%ss of type BrokenMapping that cannot be read (RuntimeError: no items); give a dict"),
    ],
    ids=["unprintable", "huge", "broken"],
)
def test_names_and_mappings_that_cannot_be_read_are_refused(given: Any, reason: str, attribute: str) -> None:
    point = Exposure(detector="w", duration=1, **{attribute: given})
    with pytest.raises(InvalidPointError) as caught:
        emitting().emit(point)
    assert str(caught.value) == f"Exposure has {reason % attribute[:-1]}"
    dropping = emitting(on_invalid="drop")
    dropping.emit(point)
    assert (dropping.counts.accepted, dropping.counts.refused) == (0, 1)


def test_dropped_points_are_logged_once_with_the_first_reason(warnings: pytest.LogCaptureFixture) -> None:
    monitor = emitting(on_invalid="drop")
    for number in range(25):
        monitor.emit(Exposure(detector=f"w{number}\n", duration=1))
    [record] = warnings.records
    assert record.getMessage() == (
        "a point cannot be stored and is dropped: the value of tag 'detector' 'w0\\n' has a control character "
        "(such as a newline); remove or replace it"
    )
    assert (record.levelname, monitor.counts.refused) == ("WARNING", 25)


def test_a_long_reason_is_cut(warnings: pytest.LogCaptureFixture) -> None:
    monitor = emitting(on_invalid="drop")
    monitor.emit(Exposure(detector="w", duration=1, tags={"a": 1, "x" * 900 + "\x1b": object()}))  # type: ignore[dict-item]
    [record] = warnings.records
    assert len(record.getMessage()) < 600
    assert "\x1b" not in record.getMessage()


def test_seconds_as_an_integer_are_refused_by_name() -> None:
    with pytest.raises(InvalidPointError, match=r" looks like seconds, but an integer is taken as nanoseconds; "):
        emitting().emit(Exposure(detector="w", duration=1, time=int(time.time())))


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"tags": {"time": "x"}}, "tags: tag key 'time' is reserved by InfluxDB; choose another name"),
        ({"tags": {"_field": "x"}}, "tags: tag key '_field' is reserved by InfluxDB; choose another name"),
        ({"tags": {"": "x"}}, "tags: tag key is empty; give it a name"),
        ({"tags": {"a\n": "x"}}, "tags: tag key 'a\\n' has a control character (such as a newline); remove or"),
        ({"tags": {"a": "x\ny"}}, "tags: the value of tag 'a' 'x\\ny' has a control character"),
        ({"tags": {"a": "x\\"}}, "tags: the value of tag 'a' 'x\\\\' ends with a backslash"),
        (
            {"tags": {"a": "x" * 40_000}},
            "tags: the default tags take 40003 bytes, above 32767, half of the server's",
        ),
        ({"service": "a\nb"}, "service: the value of tag 'service' 'a\\nb' has a control character"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_tags_that_no_point_can_have_are_mistakes_of_the_settings(keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        MonitoringSettings(**keys)
    assert str(caught.value).startswith(f"MonitoringSettings: {reason}")


@pytest.mark.parametrize(
    "tags",
    [
        {"duration": "x"},
        {"detector": "x"},
        {"more": "x"},
        {"service": "x"},
        {"a": ""},
        {"a b": "c,d=e"},
        {"a": "x" * 30_000},
    ],
    ids=lambda value: next(iter(value)),
)
def test_default_tags_that_the_settings_accept_are_no_reason_to_refuse_a_point(tags: dict[str, str]) -> None:
    monitor = emitting(tags=tags)
    for _ in range(2):
        monitor.emit(Exposure(detector="w", duration=1))
        monitor.emit(Exposure(detector="w", duration=1, fields={"more": 1}))
        monitor.emit(Exposure(detector="w", duration=1, tags={"other": 1}, fields={"more": 1}))
    assert (monitor.counts.accepted, monitor.counts.refused) == (6, 0)


def test_a_service_that_no_point_can_have_is_refused_by_the_monitor() -> None:
    with pytest.raises(InvalidPointError, match=r"the value of tag 'service' 'a.nb' has a control character"):
        Monitor(MonitoringSettings(), store=MemoryStore(), service="a\nb")
