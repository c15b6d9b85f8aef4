"""Sources of a user's own, which may fail, and may know nothing of a second start."""

import logging
from collections.abc import Iterable

import pytest

from tests.services.own_store import OwnStore
from tests.services.points import Numbered
from tsmon import Monitor, Point


class Events:
    """A source as the first version of tsmon described one."""

    def __init__(self) -> None:
        self.held = [1]
        self.is_last = False

    def collect(self) -> Iterable[Point]:
        points = [Numbered(n=n) for n in self.held]
        self.held.clear()
        return points

    def forget(self) -> None:
        self.held.clear()

    def hold_nothing(self) -> None:
        self.is_last = True


class Restartable(Events):
    def hold_again(self) -> None:
        self.is_last = False


class Broken(Events):
    def hold_again(self) -> None:
        raise RuntimeError("my own fault")


async def test_a_source_without_hold_again_survives_a_second_start() -> None:
    monitor = Monitor(store=OwnStore())
    source, restartable = Events(), Restartable()
    monitor.add_source(source)
    monitor.add_source(restartable)
    for n in range(3):
        async with monitor:
            assert not restartable.is_last
            source.held.append(n)
            restartable.held.append(n)
        assert source.is_last
        assert restartable.is_last
    assert monitor.counts.written == 8


async def test_a_source_that_fails_at_the_second_start_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(store=OwnStore())
    monitor.add_source(Broken())
    async with monitor:
        pass
    with caplog.at_level(logging.WARNING, "tsmon"):
        async with monitor:
            assert monitor.is_running
    assert "Broken.hold_again() has failed: my own fault" in caplog.text
