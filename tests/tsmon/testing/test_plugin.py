"""The plugin in a separate pytest, as in a user's project."""

import pytest

pytest_plugins = ["pytester"]

PROJECT = """
    from tsmon import Monitor, Request

    def serve():
        with Monitor(service="web") as monitor:
            monitor.emit(Request(route="GET:/", status_code=200, request_id="1", execution_time=0.1))

    def test_right(tsmon):
        serve()
        assert tsmon.one(Request).status_code == 200

    def test_wrong(tsmon):
        serve()
        tsmon.one(Request, status_code=500)
"""


def test_the_fixture_is_available_without_an_import(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Request(status_code=500) was emitted never; there were:*"])
