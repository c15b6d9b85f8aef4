"""For the tests of programs that use tsmon: what they emitted, with no server, no file and no wait.

With pytest, the fixture ``tsmon`` is there as soon as tsmon is installed::

    def test_a_failed_request_is_recorded(tsmon):
        serve(broken_request)
        assert tsmon.one(RequestError).error_code == 7
"""

from tsmon.stores.memory import MemoryStore
from tsmon.testing.capture import capture_points
from tsmon.testing.emitted_points import EmittedPoints

__all__ = ["EmittedPoints", "MemoryStore", "capture_points"]
