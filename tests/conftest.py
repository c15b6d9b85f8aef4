"""The real parts as fixtures, started once a run; and how hypothesis searches."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.services.influxdb import InfluxDB, running
from tests.services.install_influxd import MissingToolError, find, install
from tests.services.postgresql import PostgreSQL, find_postgresql, running_postgresql
from tests.services.required import missing, skip_in_quick_run

settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("TSMON_TEST_HYPOTHESIS", "ci"))


def pytest_configure() -> None:
    # Otherwise pytest-asyncio makes a loop when it looks for the one before its own, and nobody closes it: a
    # ResourceWarning for some later test.
    asyncio.set_event_loop(None)


def pytest_collection_finish() -> None:
    running = [thread.name for thread in threading.enumerate() if thread.name.startswith("tsmon")]
    assert not running, f"a module of the tests has started {running} at its import"


@pytest.fixture(autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is written to the directories of whoever runs the tests, by no process that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        yield


@pytest.fixture(scope="session")
def influxd(request: pytest.FixtureRequest) -> Path:
    """Way to the InfluxDB server's binary, found or built."""
    skip_in_quick_run("InfluxDB")
    try:
        return find() or install(_terminal(request))
    except MissingToolError as error:
        missing(f"the real InfluxDB is not here: {error}, or name a binary by TSMON_TEST_INFLUXD")
    except subprocess.CalledProcessError as error:
        missing(f"the real InfluxDB could not be built ({error}):\n{error.output}")


@pytest.fixture(scope="session")
def influxdb(influxd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """The run's InfluxDB; tests that stop or pause a server start one of their own."""
    with running(influxd, tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def bucket(influxdb: InfluxDB) -> str:
    """Name of a new, empty bucket."""
    return influxdb.new_bucket()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The run's PostgreSQL; tests that stop a server start one of their own."""
    skip_in_quick_run("PostgreSQL")
    programs = find_postgresql()
    if programs is None:
        missing("PostgreSQL's server is not here; on Debian: apt-get install postgresql")
    with running_postgresql(programs) as server:
        yield server


def _terminal(request: pytest.FixtureRequest) -> Callable[[str], object]:
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    return print if reporter is None else reporter.write_line
