"""What holds for every sampler, against the kernel that runs the tests."""

import time
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

import tsmon_agent.host.samplers
from tests.tsmon_agent.host.samplers.reading import written
from tsmon_agent.host.samplers import SAMPLERS, Options

NAMES = list(SAMPLERS)
TELEGRAFS = ["cpu", "disk", "diskio", "mem", "net", "processes", "swap", "system"]


def test_samplers_are_registered_under_telegrafs_names_in_order() -> None:
    assert [name for name in NAMES if name in TELEGRAFS] == TELEGRAFS
    assert [sampler.name for sampler in SAMPLERS.values()] == NAMES
    assert sorted(NAMES) == NAMES


def test_the_package_exports_what_it_holds() -> None:
    exported = tsmon_agent.host.samplers.__all__
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(tsmon_agent.host.samplers, name) for name in exported)


@pytest.mark.parametrize("name", NAMES)
def test_points_carry_host_measurement_and_the_time_of_the_reading(name: str) -> None:
    sampler = SAMPLERS[name]("here")
    sampler.prime()
    before_ns = time.time_ns()
    points = written(sampler.sample())
    after_ns = time.time_ns()
    for point in points:
        assert point.measurement == name
        assert point.tags["host"] == "here"
        assert point.time_ns is not None
        assert before_ns <= point.time_ns <= after_ns
    assert len({point.time_ns for point in points}) <= 1
    assert len({tuple(sorted(point.tags.items())) for point in points}) == len(points)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_and_have_defaults(name: str) -> None:
    options = SAMPLERS[name].options_type()
    assert isinstance(options, Options)
    assert is_dataclass(options)
    assert SAMPLERS[name]("here").options == options
    assert SAMPLERS[name]("here", options).options is options
    for field in fields(options):
        with pytest.raises(FrozenInstanceError):
            setattr(options, field.name, None)
