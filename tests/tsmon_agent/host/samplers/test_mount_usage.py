import errno
import logging
import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.services.required import missing
from tests.tsmon_agent.host.samplers.namespace import run_with_mounts_of_its_own
from tests.tsmon_agent.host.samplers.reading import eventually
from tsmon_agent.host.samplers.mount_table import Mount
from tsmon_agent.host.samplers.mount_usage import MountUsage


def mount(mount_id: int, path: str) -> Mount:
    return Mount(mount_id=mount_id, path=path, device="filer:/x", fstype="nfs4", mode="rw", label=None)


class Servers:
    """statvfs of paths under /dead hangs until ``revive``; of /gone it fails."""

    def __init__(self) -> None:
        self.alive = threading.Event()
        self.asked: Counter[str] = Counter()

    def __call__(self, path: str) -> os.statvfs_result:
        self.asked[path] += 1
        if path.startswith("/dead"):
            self.alive.wait()
        if path.startswith("/gone"):
            raise OSError(errno.EACCES, "Permission denied")
        return os.statvfs("/")


def test_every_mount_is_asked() -> None:
    results = MountUsage().query([mount(1, "/"), mount(2, "/proc")])
    assert list(results) == [1, 2]
    assert isinstance(results[1], os.statvfs_result)
    assert results[1].f_blocks == os.statvfs("/").f_blocks
    assert MountUsage().query([]) == {}


def test_an_error_is_an_outcome_too() -> None:
    results = MountUsage(statvfs=Servers()).query([mount(1, "/gone"), mount(2, "/")])
    assert isinstance(results[1], PermissionError)
    assert isinstance(results[2], os.statvfs_result)


def test_hanging_mounts_hold_up_no_other_and_are_asked_again_only_when_they_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    servers = Servers()
    usage = MountUsage(0.1, statvfs=servers)
    paths = ["/a", "/dead/b", "/c", "/dead/d", "/gone", "/e"]
    mounts = [mount(number, path) for number, path in enumerate(paths)]
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert list(usage.query(mounts)) == [0, 2, 4, 5]
        assert sorted(usage.stale) == ["/dead/b", "/dead/d"]
        assert servers.asked["/dead/b"] == servers.asked["/dead/d"] == 1
        assert servers.asked["/a"] == servers.asked["/e"] == 3
        assert sorted(record.getMessage() for record in caplog.records) == [
            f"the file system at {path} (filer:/x) does not answer within 0.1 s; it is left out until it does"
            for path in ("/dead/b", "/dead/d")
        ]
        caplog.clear()
        servers.alive.set()
        eventually(lambda: not usage.stale)
        eventually(lambda: len(caplog.records) == 2)
        assert sorted(record.getMessage() for record in caplog.records) == [
            f"the file system at {path} answers again" for path in ("/dead/b", "/dead/d")
        ]
    assert list(usage.query(mounts)) == [0, 1, 2, 3, 4, 5]
    assert servers.asked["/a"] == 4, "a thread that was left alone goes no further"


def test_another_mount_in_the_place_of_a_hanging_one_is_asked() -> None:
    servers = Servers()
    usage = MountUsage(0.05, statvfs=servers)
    assert usage.query([mount(1, "/dead")]) == {}
    assert usage.query([mount(1, "/dead")]) == {}
    assert servers.asked["/dead"] == 1
    usage.query([mount(2, "/dead")])
    assert servers.asked["/dead"] == 2
    servers.alive.set()
    eventually(lambda: not usage.stale)


def test_threads_that_hang_do_not_keep_the_process_alive() -> None:
    servers = Servers()
    usage = MountUsage(0.05, statvfs=servers)
    usage.query([mount(1, "/dead")])
    hanging = [thread for thread in threading.enumerate() if thread.name == "tsmon-statvfs"]
    assert hanging
    assert all(thread.daemon for thread in hanging)
    servers.alive.set()
    eventually(lambda: not usage.stale)


def test_a_file_system_whose_server_never_answers_is_left_out_until_it_does(tmp_path: Path) -> None:
    """A FUSE file system without anybody behind it: statvfs hangs in the kernel."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        missing("/dev/fuse is not here or not open to this user; load the module fuse and allow it")
    run_with_mounts_of_its_own(f"""
        import time
        from tsmon_agent.host.samplers.disk import DiskOptions, DiskSampler

        path = {str(tmp_path)!r} + "/hung"
        server = os.open("/dev/fuse", os.O_RDWR)
        mount("fuse", path, f"fd={{server}},rootmode=40000,user_id=0,group_id=0")
        mount("tmpfs", path + "-not", "size=1m")
        sampler = DiskSampler("h", DiskOptions(mount_points=("/", path, path + "-not"), timeout_s=0.3))
        for _ in range(2):
            assert [point.path for point in sampler.sample()] == ["/", path + "-not"]
            assert sampler.stale == (path,)
        os.close(server)
        deadline = time.monotonic() + 20
        while sampler.stale:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert [point.path for point in sampler.sample()] == ["/", path + "-not"]
        assert sampler.stale == ()
    """)
