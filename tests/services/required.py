"""What happens where a real part is not there: a skip on a user's machine, a failure where all are required."""

import os
from typing import NoReturn

import pytest

__all__ = ["missing"]


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it if ``TSMON_TEST_REQUIRE=1``; ``reason`` names the part and the remedy."""
    if os.environ.get("TSMON_TEST_REQUIRE") == "1":
        pytest.fail(f"TSMON_TEST_REQUIRE=1, but {reason}", pytrace=False)
    pytest.skip(reason)
