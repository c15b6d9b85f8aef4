import errno
import logging
import os
from collections import Counter

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually, written, written_by
from tsmon_agent.host.samplers.disk import DiskOptions, DiskSampler


def usage(blocks: int, **figures: int) -> os.statvfs_result:
    """Make the usage of a file system in blocks of 4 KiB, 3/4 of them free, 5/8 for everybody."""
    values = {"frsize": 4096, "bfree": blocks * 3 // 4, "bavail": blocks * 5 // 8, "files": 1000, "ffree": 750}
    values |= figures
    return os.statvfs_result(
        (
            65536,
            values["frsize"],
            blocks,
            values["bfree"],
            values["bavail"],
            values["files"],
            values["ffree"],
            values["ffree"],
            0,
            255,
        )
    )


class FileSystems:
    """statvfs of a machine that is not this one: 8 blocks everywhere but where ``special`` says otherwise."""

    def __init__(self, special: dict[str, os.statvfs_result | OSError] | None = None) -> None:
        self.special = {"/proc": usage(0), "/sys": usage(0), **(special or {})}
        self.asked: Counter[str] = Counter()

    def __call__(self, path: str) -> os.statvfs_result:
        self.asked[path] += 1
        found = self.special.get(path, usage(8))
        if isinstance(found, OSError):
            raise found
        return found


def server(options: DiskOptions | None = None, statvfs: FileSystems | None = None) -> DiskSampler:
    return DiskSampler("h", options, root=MACHINES / "server", statvfs=statvfs or FileSystems())


def test_a_server_is_read_but_for_what_is_no_disk() -> None:
    points = written_by("path", server().sample())
    assert list(points) == ["/", "/srv/old data\\x", "/boot", "/mnt/nfs", "/data", "/media/a?b"]
    assert points["/boot"].tags == {
        "host": "h",
        "path": "/boot",
        "device": "nvme0n1p3",
        "fstype": "ext4",
        "mode": "ro",
    }
    assert points["/boot"].fields == {
        "total": 32_768,
        "used": 8_192,
        "free": 20_480,
        "used_percent": 100 * 8_192 / 28_672,
        "inodes_total": 1000,
        "inodes_used": 250,
        "inodes_free": 750,
        "inodes_used_percent": 25.0,
    }


def test_a_container_has_its_root_and_the_files_mounted_into_it() -> None:
    sampler = DiskSampler("h", root=MACHINES / "container", statvfs=FileSystems())
    points = written_by("path", sampler.sample())
    assert list(points) == ["/", "/etc/hosts"]
    assert points["/"].tags["fstype"] == "overlay"


def test_types_to_ignore_can_be_configured() -> None:
    points = written_by("path", server(DiskOptions(ignore_fs=("ext4", "xfs", "vfat", "btrfs"))).sample())
    assert list(points) == ["/dev/shm", "/mnt/nfs", "/var/lib/docker/overlay2/abc/merged"]


def test_configured_mount_points_are_reported_whatever_their_type() -> None:
    options = DiskOptions(mount_points=("/boot/", "/", "/dev/shm", "/var/lib/docker/*"))
    points = written_by("path", server(options).sample())
    assert list(points) == ["/", "/dev/shm", "/boot", "/var/lib/docker/overlay2/abc/merged"]


def test_automount_points_are_never_asked() -> None:
    statvfs = FileSystems()
    server(DiskOptions(mount_points=("/misc", "/boot")), statvfs).sample()
    server(None, statvfs).sample()
    assert "/misc" not in statvfs.asked


def test_unknown_mount_points_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sampler = server(DiskOptions(mount_points=("/", "/no")))
    assert len(sampler.sample()) == len(sampler.sample()) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "there is no mount point '/no' here; it is ignored until there is"
    ]


def test_file_systems_without_a_size_are_asked_once() -> None:
    statvfs = FileSystems()
    sampler = server(None, statvfs)
    for _ in range(3):
        assert "/proc" not in written_by("path", sampler.sample())
    assert (statvfs.asked["/proc"], statvfs.asked["/boot"]) == (1, 3)


def test_a_file_system_that_makes_inodes_as_needed_has_none_to_count() -> None:
    statvfs = FileSystems({"/data": usage(8, files=0, ffree=0), "/boot": usage(8, files=2**64 - 1, ffree=1)})
    points = written_by("path", server(None, statvfs).sample())
    for path in ("/data", "/boot"):
        assert points[path].fields.keys() == {"total", "used", "free", "used_percent"}


def test_a_size_beyond_64_bits_is_no_size() -> None:
    statvfs = FileSystems({"/mnt/nfs": usage(2**52)})
    assert "/mnt/nfs" not in written_by("path", server(None, statvfs).sample())


def test_without_a_block_for_anybody_there_is_no_percentage() -> None:
    statvfs = FileSystems({"/boot": usage(8, bfree=8, bavail=0)})
    assert "used_percent" not in written_by("path", server(None, statvfs).sample())["/boot"].fields


def test_a_file_system_that_may_not_be_asked_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sampler = server(None, FileSystems({"/media/a\tb": OSError(errno.EACCES, "Permission denied")}))
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            assert "/media/a?b" not in written_by("path", sampler.sample())
    assert [record.getMessage() for record in caplog.records] == [
        "the space of the file system at /media/a?b cannot be read (Permission denied); it is left out"
    ]


def test_this_host_has_the_space_that_psutil_sees() -> None:
    sampler = DiskSampler("h", DiskOptions(mount_points=("/",)))

    def agree() -> bool:
        seen, found = psutil.disk_usage("/"), os.statvfs("/")
        (point,) = written(sampler.sample())
        assert point.fields["total"] == seen.total
        inodes = (found.f_files, found.f_ffree) if found.f_files else (None, None)
        return (seen.used, seen.free, *inodes) == tuple(
            point.fields.get(name) for name in ("used", "free", "inodes_total", "inodes_free")
        )

    eventually(agree)


def test_by_default_this_host_has_no_file_system_in_memory() -> None:
    points = written_by("path", DiskSampler("h").sample())
    assert points
    assert not {point.tags["fstype"] for point in points.values()} & {"tmpfs", "devtmpfs", "proc", "sysfs"}
