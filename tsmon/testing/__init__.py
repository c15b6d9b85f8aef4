"""For the tests of programs that use tsmon: the points they emitted, without a server, a file or waiting.

With pytest, the fixture ``tsmon`` is available as soon as tsmon is installed::

    def test_a_failed_request_is_recorded(tsmon):
        serve(broken_request)
        assert tsmon.one(RequestError).error_code == 7
"""

from tsmon.stores.memory import MemoryStore
from tsmon.testing.capture import capture_points
from tsmon.testing.emitted_points import EmittedPoints

__all__ = ["EmittedPoints", "MemoryStore", "capture_points"]
