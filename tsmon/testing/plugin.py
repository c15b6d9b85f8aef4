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

    It records every Monitor, whenever that was created; meanwhile they write to memory instead of their stores.
    """
    from tsmon.testing.capture import capture_points

    with capture_points() as emitted:
        yield emitted
