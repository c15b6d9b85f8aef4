"""A disk that refuses costs durability, now and then a try, one log record, and nothing else."""

import asyncio
import errno
import logging
import sys
from pathlib import Path

import pytest

from tests.services.failing_disk import ERRORS, FailingDisk
from tests.services.points import Numbered
from tests.services.recorded import Answer, recorded_server
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.settings import MonitoringSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="calls are assigned to files by /proc")


def settings(url: str, mode: str, root: Path) -> MonitoringSettings:
    return MonitoringSettings.model_validate(
        {
            "url": url,
            "organization": "o",
            "spool": mode,
            "spool_directory": root,
            "flushing_period": 0.002,
            "self_metrics_period": 0,
        }
    )


def of_the_spool(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if "the spool in" in record.message]


@pytest.mark.parametrize("mode", ["on", "required"])
@pytest.mark.parametrize(
    ("step", "code"),
    [
        *(("flock", code) for code in ERRORS),
        ("mkdir", errno.EROFS),
        ("fdatasync", errno.EIO),
        ("open", errno.EMFILE),
    ],
)
async def test_a_disk_that_refuses_is_tried_rarely_and_logged_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    step: str,
    code: int,
) -> None:
    caplog.set_level(logging.INFO, logger="tsmon")
    root = tmp_path / "spool"
    root.mkdir()
    disk = FailingDisk(monkeypatch, root, (step,), code)
    disk.fails = True
    monitor = Monitor(settings("http://127.0.0.1:1", mode, root))
    await monitor.start()
    for number in range(100):
        monitor.emit(Numbered(n=number))
        await asyncio.sleep(0.005)
    await eventually(lambda: len(of_the_spool(caplog)) == 1 and monitor.last_error is not None)
    assert monitor.counts.pending == 100
    await monitor.stop(0.0)
    assert disk.calls[step] <= 40
    assert len(of_the_spool(caplog)) == 1
    assert list(root.iterdir()) == []
    assert monitor.counts.dropped_by == {"stopped": 100}


@pytest.mark.parametrize("mode", ["on", "required"])
async def test_without_locks_points_are_sent_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    root = tmp_path / "spool"
    disk = FailingDisk(monkeypatch, root, ("flock",), errno.ENOLCK)
    disk.fails = True
    async with recorded_server(lambda lines: Answer(204, stored=tuple(range(len(lines))))) as server:
        async with Monitor(settings(server.url, mode, root)) as monitor:
            for number in range(50):
                monitor.emit(Numbered(n=number))
                await monitor.flush(20.0)
        assert (monitor.counts.written, len(set(server.lines))) == (50, 50)
    assert disk.calls["flock"] <= 40
    assert list(root.rglob("*")) == []


async def test_points_go_to_a_disk_that_works_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "spool"
    disk = FailingDisk(monkeypatch, root, ("mkdir",), errno.EROFS)
    disk.fails = True
    root.parent.mkdir(exist_ok=True)
    monitor = Monitor(settings("http://127.0.0.1:1", "on", root))
    await monitor.start()
    monitor.emit(Numbered(n=number) for number in range(10))
    await eventually(lambda: monitor.last_error is not None)
    assert monitor.durable_sequence == 0
    disk.fails = False
    await eventually(lambda: monitor.durable_sequence == 10)
    await monitor.stop(0.0)
    assert (monitor.counts.pending, monitor.counts.dropped) == (10, 0)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_dead_letters_are_kept_without_locks_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    disk = FailingDisk(monkeypatch, tmp_path, ("flock",), code)
    disk.fails = True
    path = tmp_path / "dead_letters.jsonl"
    DeadLetterFile(path, 10_000).keep(["a v=1"], "no")
    assert path.read_text().count("\n") == 1


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("step", ["write", "flock", "open", "mkdir", "replace"])
def test_dead_letters_that_cannot_be_kept_leave_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str, code: int
) -> None:
    path = tmp_path / "below" / "dead_letters.jsonl"
    disk = FailingDisk(monkeypatch, tmp_path, (step,), code)
    letters = DeadLetterFile(path, 10_000)
    disk.fails = True
    for _ in range(3):
        letters.keep(["a v=1"], "no")
    assert len(caplog.records) == (0 if disk.calls[step] == 0 or (step, code) == ("flock", errno.ENOLCK) else 1)
    disk.fails = False
    before = path.read_bytes() if path.exists() else b""
    letters.keep(["a v=2"], "no")
    assert path.read_bytes()[len(before) :].count(b"\n") == 1


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
def test_a_full_file_of_dead_letters_that_cannot_be_renamed_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    path = tmp_path / "dead_letters.jsonl"
    letters = DeadLetterFile(path, 100)
    letters.keep(["a v=1"], "no")
    before = path.read_bytes()
    disk = FailingDisk(monkeypatch, tmp_path, ("replace",), code)
    disk.fails = True
    for _ in range(3):
        letters.keep(["a v=2"], "no")
    assert disk.calls["replace"] == 3
    assert (path.read_bytes(), len(caplog.records)) == (before, 1)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    disk.fails = False
    letters.keep(["a v=3"], "no")
    assert path.with_name(f"{path.name}.1").read_bytes() == before
    assert b"a v=3" in path.read_bytes()
