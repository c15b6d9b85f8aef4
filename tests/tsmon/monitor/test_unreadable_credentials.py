"""Child processes that cannot read what their parent could: its points are sent all the same, or wait for it."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.services.processes import run_program
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.settings import MonitoringSettings

WAIT_S = 60.0

PROGRAM = """
import multiprocessing, os, sys
from tests.services.points import Numbered
from tsmon import Monitor

monitor = Monitor()
monitor.start_in_background()

def emit(first):
    for n in range(first, first + 100):
        monitor.emit(Numbered(n=n))

def work(first):
    emit(first)
    try:
        monitor._background.flush(1.0)
    except Exception:
        pass
    return str(monitor.last_error), monitor.counts.accepted - monitor.counts.pending - monitor.counts.written
"""


class Settings:
    """A program whose token and settings are in files of the test's own."""

    def __init__(self, directory: Path, influxdb: InfluxDB, bucket: str) -> None:
        self.directory = directory
        self.token = directory / "token"
        self.token.write_text(influxdb.token)
        self.token.chmod(0o600)
        self.options: dict[str, Any] = {
            "url": influxdb.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token_file": self.token,
            "spool_directory": directory / "spool",
            "flushing_period": 1e6,
        }
        lines = [
            f"{key} = {value if isinstance(value, float) else repr(str(value))}"
            for key, value in self.options.items()
        ]
        (directory / "tsmon.toml").write_text("[monitoring]\n" + "\n".join(lines) + "\n")

    def run(self, text: str) -> str:
        named = {"PYTHONPATH": str(Path.cwd()), "TSMON_SETTINGS": str(self.directory / "tsmon.toml")}
        return run_program(self.directory, PROGRAM + text, os.environ | named)


@pytest.fixture
def settings(influxdb: InfluxDB, bucket: str, tmp_path: Path) -> Settings:
    return Settings(tmp_path, influxdb, bucket)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_forked_child_without_rights_sends_with_what_its_parent_has_read(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    error = settings.run(
        """
emit(0)
child = os.fork()
if child == 0:
    os.setuid(65_534)
    found = work(100)
    sys.exit(0 if found == ("None", 0) else f"{found}")
assert os.waitpid(child, 0)[1] == 0
"""
    )
    assert "lost" not in error
    assert stored(influxdb, bucket) == list(range(200)), error


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
async def test_a_pool_whose_workers_cannot_read_the_token_leaves_their_points_in_the_spool(
    settings: Settings, influxdb: InfluxDB, bucket: str, method: str
) -> None:
    error = settings.run(
        f"""
if __name__ == "__main__":
    emit(0)
    os.rename("token", "hidden")
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        for reason, dropped in pool.map(work, (100, 200)):
            assert "token_file" in reason and not dropped, reason
        pool.close()
        pool.join()
    os.rename("hidden", "token")
"""
    )
    assert "the Monitor cannot start, points wait in memory, and it is tried again: monitoring.token_file" in error
    assert "the spool keeps them" in error
    async with Monitor(MonitoringSettings.model_validate(settings.options)) as monitor:
        await eventually(lambda: monitor.counts.pending == 0)
    assert stored(influxdb, bucket) == list(range(300)), error


def test_a_pool_whose_workers_cannot_read_the_settings_runs_and_says_so(
    settings: Settings, influxdb: InfluxDB, bucket: str
) -> None:
    error = settings.run(
        """
if __name__ == "__main__":
    emit(0)
    os.rename("tsmon.toml", "hidden")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        ((reason, dropped),) = pool.map(work, (100,))
        assert "tsmon.toml" in reason and not dropped, reason
        pool.close()
        pool.join()
"""
    )
    assert "the Monitor cannot start, points wait in memory, and it is tried again: " in error
    assert "100 points were not written before the stop and are lost: " in error
    assert stored(influxdb, bucket) == list(range(100)), error
