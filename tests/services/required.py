"""What happens where a real part is not there, or is not wanted.

A part that is missing skips the test on a user's machine, and fails it where all are required. In a quick run each
test that needs a server or a browser is skipped as soon as it reaches for one, so there is no list to maintain.
"""

import os
from typing import NoReturn

import pytest

__all__ = ["missing", "skip_in_quick_run"]


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it if ``TSMON_TEST_REQUIRE=1``; ``reason`` names the part and the remedy."""
    if os.environ.get("TSMON_TEST_REQUIRE") == "1":
        pytest.fail(f"TSMON_TEST_REQUIRE=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def skip_in_quick_run(part: str) -> None:
    """Skip the test if ``TSMON_TEST_QUICK=1``; call it before anything is done to start ``part``."""
    if os.environ.get("TSMON_TEST_QUICK") == "1":
        pytest.skip(f"TSMON_TEST_QUICK=1, and this needs {part}")
