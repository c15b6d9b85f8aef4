"""The pytest plugin: the fixture ``tsmon``."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsmon.testing.emitted import Emitted

__all__ = ["tsmon"]


@pytest.fixture
def tsmon() -> "Iterator[Emitted]":
    """What the test emits: ``tsmon.one(Request, status_code=404)``, ``.points(…)``, ``.none(…)``, ``.lines``.

    Monitors that are made while the test runs write into memory instead of the configured store.
    """
    from tsmon.testing.recording import recording

    with recording() as emitted:
        yield emitted
