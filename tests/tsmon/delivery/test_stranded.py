"""Points that wait for another address than the configured one are reported at the start, with the command."""

import logging
import threading
from pathlib import Path

import pytest

from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.settings import MonitoringSettings
from tsmon.spool import Destination, Spool
from tsmon.spool.inspection import find_queues

NOWHERE = "http://127.0.0.1:1"


def leave(root: Path, url: str, organization: str, bucket: str, points: int) -> str:
    spool = Spool(root, Destination(url, organization, bucket), max_bytes=1_000_000)
    spool.append(b"\n".join(b"a v=%d %d" % (n, n) for n in range(points)), points)
    [queue] = (queue for queue in find_queues(root) if queue.owned)
    spool.close()
    return queue.name


async def warnings_at_start(root: Path, caplog: pytest.LogCaptureFixture, **options: object) -> list[str]:
    caplog.clear()
    caplog.set_level(logging.WARNING, logger="tsmon")
    settings = {"url": NOWHERE, "organization": "o", "bucket": "b", "spool_directory": root, **options}
    monitor = Monitor(MonitoringSettings.model_validate(settings))
    await monitor.start()
    found = [record.message for record in caplog.records if "tsmon spool replay" in record.message]
    await monitor.stop(0.0)
    return found


@pytest.mark.parametrize(
    ("url", "organization", "bucket"),
    [(NOWHERE, "", "b"), ("http://localhost:1", "o", "b"), (NOWHERE, "o", "before"), (NOWHERE + "/", "o", "b")],
    ids=["the organization was set", "localhost became 127.0.0.1", "another bucket", "an address with a slash"],
)
async def test_points_for_another_destination_are_reported_with_the_command(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str, organization: str, bucket: str
) -> None:
    names = [leave(tmp_path, url, organization, bucket, points) for points in (100, 20)]
    [message] = await warnings_at_start(tmp_path, caplog)
    assert message.startswith(
        f"120 points of earlier processes wait in the spool for {url} "
        f"(organization {organization!r}, bucket {bucket!r}), which is not where points go now; "
    )
    assert any(f"`tsmon spool replay {first} {then}`" in message for first, then in (names, names[::-1]))


async def test_points_that_are_sent_anyway_are_not_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave(tmp_path, NOWHERE, "o", "b", 3)
    running = Spool(tmp_path, Destination("http://other", "o", "b"), max_bytes=1_000_000)
    running.append(b"a v=1 1", 1)
    assert await warnings_at_start(tmp_path, caplog) == []
    running.close()


@pytest.mark.parametrize(
    "url", [NOWHERE + "/", NOWHERE + "/api/v2", NOWHERE + "/api/v2/write", NOWHERE + "/api/v2/"]
)
async def test_other_ways_to_write_the_address_are_the_same_destination(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    leave(tmp_path, NOWHERE, "o", "b", 3)
    assert await warnings_at_start(tmp_path, caplog, url=url) == []
    assert len(list(tmp_path.glob("b-*"))) == 1


@pytest.mark.parametrize("store", ["sqlite", "influxdb"])
async def test_points_are_reported_where_no_spool_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, store: str
) -> None:
    """The embedded store needs none, and for a server it may be off; each sentence comes once in a process."""
    caplog.set_level(logging.WARNING, logger="tsmon")
    root = tmp_path / "spool"
    names = [leave(root, "http://before:8086", "o", "b", 100), leave(root, NOWHERE, "o", "b", 20)]
    options = {"store": store, "organization": "o", "bucket": "b", "url": NOWHERE, "spool": "off"}
    if store == "sqlite":
        options = {"store": store, "file": str(tmp_path / "points.db")}
    settings = MonitoringSettings.model_validate({**options, "spool_directory": root})
    for _ in range(3):
        async with Monitor(settings):
            pass
    await eventually(lambda: len(caplog.records) >= 2)
    there, here = sorted(one.message for one in caplog.records if "tsmon spool" in one.message)
    assert there.startswith(
        "100 points of earlier processes wait in the spool for http://before:8086 (organization 'o', bucket 'b'), "
    )
    if store == "sqlite":
        assert f", but points go to SQLite file {tmp_path / 'points.db'} now; " in there
        assert f"`tsmon spool replay {names[0]}`, run with settings that name the server, sends them" in there
        assert f"`tsmon spool drop {names[1]}` deletes them" in here
    else:
        assert f"`tsmon spool replay {names[0]}` sends them to the configured one" in there
        assert ", but monitoring.spool is off, so no Monitor sends them; `tsmon spool replay` does" in here


async def test_nothing_is_reported_for_memory_or_where_everything_is_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave(tmp_path, "http://before:8086", "o", "b", 100)
    for options in ({"store": "memory"}, {"store": "sqlite", "file": str(tmp_path / "a.db"), "enabled": False}):
        async with Monitor(MonitoringSettings.model_validate({**options, "spool_directory": tmp_path})):
            assert not [one for one in threading.enumerate() if one.name == "tsmon-stranded"]
    assert not [one for one in caplog.records if "tsmon spool" in one.message]
