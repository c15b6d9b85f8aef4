import inspect
import sys
import types
from typing import Any

import msgspec
import pytest

from tsmon import DeclarationError, Point, Request, ServicePoint, Tag, TagAndField
from tsmon.line_protocol import encode
from tsmon.line_protocol.encoding import Encoding

FUTURE = """
from __future__ import annotations
from typing import ClassVar
from tsmon import Point, Tag

class Exposure(Point, measurement="exposures"):
    UNIT: ClassVar[str] = "s"
    detector: Tag[str]
    duration: float

    def minutes(self) -> float:
        return self.duration / 60
"""


class Exposure(Point, measurement="exposures"):
    detector: Tag[str]
    duration: float


class Calibration(Exposure):
    lamp: TagAndField[str] = "neon"


class Flat(Exposure, measurement="flats"):
    counts: int


def test_the_documented_example_works() -> None:
    example = str(inspect.getdoc(Point)).split("::\n")[1].split("Attributes")[0]
    names: dict[str, Any] = {}
    exec("from tsmon import Point, Tag\nif True:\n" + example, names)
    line = encode(names["Exposure"](detector="a", duration=1.5, time=1))
    assert line == b"exposures,detector=a duration=1.5 1"


def test_annotations_may_be_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("future")
    monkeypatch.setitem(sys.modules, "future", module)
    exec(FUTURE, module.__dict__)
    point = module.Exposure(detector="a", duration=90.0, time=1)
    assert encode(point) == b"exposures,detector=a duration=90.0 1"
    assert (point.minutes(), point.UNIT) == (1.5, "s")


def test_a_subclass_adds_columns_to_the_same_series_or_starts_its_own() -> None:
    assert encode(Calibration(detector="a", duration=1, time=1)) == (
        b'exposures,detector=a,lamp=neon duration=1.0,lamp="neon" 1'
    )
    assert encode(Flat(detector="a", duration=1, counts=2, time=1)) == b"flats,detector=a duration=1.0,counts=2i 1"
    assert encode(Exposure(detector="a", duration=1, time=1)) == b"exposures,detector=a duration=1.0 1"


def test_a_base_without_measurement_only_contributes_columns() -> None:
    class Located(Point):
        site: Tag[str]

    class Rain(Located, measurement="rain"):
        amount: float

    assert encode(Rain(site="x", amount=1, time=1)) == b"rain,site=x amount=1.0 1"


def test_an_attribute_may_have_another_key() -> None:
    class Wind(Point, measurement="wind"):
        from_: Tag[str] = msgspec.field(name="from where")
        speed: float = msgspec.field(name="m/s", default=0.0)

    assert encode(Wind(from_="N E", time=1)) == rb"wind,from\ where=N\ E m/s=0.0 1"


def test_points_are_values() -> None:
    first = Exposure(detector="a", duration=1.0, time=5, tags={"x": 1})
    assert first == Exposure(detector="a", duration=1.0, time=5, tags={"x": 1})
    assert first != Exposure(detector="a", duration=1.0, time=6, tags={"x": 1})
    assert repr(first) == "Exposure(time=5, tags={'x': 1}, fields=None, detector='a', duration=1.0)"
    assert first.detector == "a"


def test_points_are_immutable() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Exposure(detector="a", duration=1.0).duration = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "keywords", "reason"),
    [
        (("a", 1.0), {}, "Extra positional arguments provided"),
        ((), {"detector": "a"}, "Missing required argument 'duration'"),
        ((), {"detector": "a", "duration": 1.0, "durations": 1.0}, "Unexpected keyword argument 'durations'"),
    ],
)
def test_points_are_made_by_the_names_of_their_columns(
    arguments: tuple[Any, ...], keywords: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TypeError, match=f"^{reason}$"):
        Exposure(*arguments, **keywords)


def test_a_wrong_declaration_names_class_and_column() -> None:
    with pytest.raises(DeclarationError) as caught:

        class Broken(Point, measurement="broken"):
            values: list[float]

    assert str(caught.value) == (
        "Broken.values is declared list[float]; a tag or field has one type: "
        "str, int, float or bool (or None, to leave it out)"
    )


def test_a_wrong_measurement_names_the_class() -> None:
    with pytest.raises(DeclarationError, match=r"^Empty: measurement is empty; give it a name$"):

        class Empty(Point, measurement=""):
            value: float


def test_a_key_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(DeclarationError):

        class Twice(Point, measurement="twice"):
            a: Tag[str]
            b: float = msgspec.field(name="a", default=1.0)


@pytest.mark.parametrize("name", ["time", "tags", "fields"])
def test_attributes_of_every_point_cannot_be_declared_again(name: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        types.new_class(
            "Clash", (Point,), {"measurement": "m"}, lambda body: body.update(__annotations__={name: float})
        )
    assert str(caught.value) == (
        f"Clash declares {name!r}, which every point has; "
        "name the attribute otherwise and give the key by msgspec.field(name=…)"
    )


def test_annotations_that_cannot_be_evaluated_name_class_and_module() -> None:
    with pytest.raises(DeclarationError) as caught:

        class Late(Point, measurement="late"):
            value: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    assert str(caught.value) == (
        f"the annotations of Late in {__name__} cannot be evaluated (name 'Nowhere' is not defined); "
        "import their names where the class is defined"
    )


def test_a_key_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"^Odd cannot be a point class: "):

        class Odd(Point, measurement="odd"):
            value: float = msgspec.field(name='a"', default=1.0)


def test_a_service_point_carries_its_service_as_tag() -> None:
    class Job(ServicePoint, measurement="jobs"):
        duration: float

    assert Encoding("night").encode(Job(duration=1.0, time=1)) == "jobs,service=night duration=1.0 1"
    assert issubclass(Request, ServicePoint)
