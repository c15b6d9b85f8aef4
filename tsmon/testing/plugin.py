"""The pytest plugin: the fixture ``tsmon``."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsmon.testing.emitted_points import EmittedPoints

__all__ = ["tsmon"]


@pytest.fixture
def tsmon() -> "Iterator[EmittedPoints]":
    """The points of the test: ``tsmon.one(Request, status_code=404)``, ``.points(…)``, ``.none(…)``, ``.lines``.

    Monitors that are created while the test runs write to memory instead of the configured store.
    """
    from tsmon.testing.capture import capture_points

    with capture_points() as emitted:
        yield emitted
