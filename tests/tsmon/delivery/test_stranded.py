"""Points that wait for another address than the configured one are reported at the start, with the command."""

import logging
from pathlib import Path

import pytest

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
