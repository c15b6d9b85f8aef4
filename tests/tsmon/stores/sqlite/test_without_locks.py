"""A file system without locks: one sentence, no false owner, and nothing left behind."""

import asyncio
import errno
import logging
import sys
from pathlib import Path

import pytest

from tests.services.failing_disk import ERRORS, FailingDisk
from tests.services.points import Numbered
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.errors import StoreUnavailableError
from tsmon.monitor.patient_start import start_patiently
from tsmon.settings import MonitoringSettings
from tsmon.stores.sqlite import SqliteStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="calls are assigned to files by /proc")


@pytest.mark.parametrize("code", [one for one in ERRORS if one not in (errno.EAGAIN, errno.EACCES)])
@pytest.mark.parametrize("step", ["flock", "open"])
async def test_a_disk_that_refuses_the_lock_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    path = root / "new" / "below" / "tsmon.db"
    disk = FailingDisk(monkeypatch, root, (step,), code)
    disk.fails = True
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match=str(path)) as caught:
            await SqliteStore(path).open()
        assert "written by" not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert list(root.rglob("*")) == []
    disk.fails = False
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")


async def test_a_monitor_starts_as_soon_as_the_disk_has_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As an integration starts it: logged once, tried rarely, and no point is lost."""
    monkeypatch.setattr("tsmon.monitor.patient_start.FIRST_S", 0.01)
    monkeypatch.setattr("tsmon.monitor.patient_start.LONGEST_S", 0.02)
    caplog.set_level(logging.WARNING, logger="tsmon")
    root = tmp_path / "disk"
    root.mkdir()
    disk = FailingDisk(monkeypatch, root, ("flock",), errno.ENOLCK)
    disk.fails = True
    monitor = Monitor(MonitoringSettings(store="sqlite", file=root / "a" / "tsmon.db", self_metrics_period=0))
    monitor.emit(Numbered(n=number) for number in range(10))

    async def repair() -> None:
        await eventually(lambda: disk.calls["flock"] >= 4)
        assert list(root.rglob("*")) == []
        disk.fails = False

    await asyncio.gather(start_patiently(monitor, lambda: None), repair())
    await monitor.flush(10)
    assert (monitor.counts.written, monitor.counts.dropped) == (10, 0)
    await monitor.stop()
    [logged] = [record.message for record in caplog.records if "has no locks" in record.message]
    assert logged.endswith("this file system has no locks (No locks available); name a file on a local disk")
