import gc
import shutil
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.namespace import run_with_mounts_of_its_own
from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually
from tsmon_agent.host.samplers import KernelFileError
from tsmon_agent.host.samplers.mount_table import Mount, MountTable


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The server, with the links in its /dev and /sys."""
    shutil.copytree(MACHINES / "server", tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "dev/mapper").mkdir(parents=True)
    (tmp_path / "dev/dm-0").touch()
    (tmp_path / "dev/mapper/vg-data").symlink_to("../dm-0")
    (tmp_path / "sys/dev/block").mkdir(parents=True)
    (tmp_path / "sys/dev/block/259:2").symlink_to("../../devices/pci0000:00/nvme/nvme0n1/nvme0n1p2")
    return tmp_path


def by_path(root: Path) -> dict[str, Mount]:
    return {mount.path: mount for mount in MountTable(root=root).mounts()}


def test_a_mount_is_read_with_its_device(server: Path) -> None:
    assert by_path(server)["/mnt/nfs"] == Mount(
        mount_id=43, path="/mnt/nfs", device="filer:/export/home", fstype="nfs4", mode="rw", label=None
    )


def test_the_device_behind_a_name_of_the_device_mapper_is_found(server: Path) -> None:
    mount = by_path(server)["/srv/old data\\x"]
    assert (mount.device, mount.label) == ("dm-0", "vg-data")


def test_without_dev_and_sys_a_name_of_the_device_mapper_stays() -> None:
    mount = by_path(MACHINES / "server")["/srv/old data\\x"]
    assert (mount.device, mount.label) == ("mapper/vg-data", None)


def test_the_device_behind_dev_root_is_found(server: Path) -> None:
    assert by_path(server)["/"].device == "nvme0n1p2"
    shutil.rmtree(server / "sys")
    assert by_path(server)["/"].device == "root"


def test_a_mount_or_its_file_system_makes_it_read_only(server: Path) -> None:
    mounts = by_path(server)
    assert [mounts[path].mode for path in ("/", "/boot", "/srv/old data\\x")] == ["rw", "ro", "ro"]


def test_the_last_of_several_on_one_mount_point_covers_the_others(server: Path) -> None:
    assert by_path(server)["/data"].device == "nvme0n1p5"


def test_a_source_may_be_empty_and_a_mount_point_odd(server: Path) -> None:
    mount = by_path(server)["/media/a\tb"]
    assert (mount.device, mount.fstype) == ("", "vfat")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(KernelFileError, match="proc/self/mountinfo cannot be read"):
        MountTable(root=tmp_path).mounts()


def test_an_unchanged_table_is_not_read_again() -> None:
    table = MountTable()
    eventually(lambda: table.mounts() is table.mounts())


def test_the_descriptor_is_closed_with_the_table() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    table = MountTable()
    table.mounts()
    assert descriptors() == before + 1
    del table
    gc.collect()
    assert descriptors() == before


def test_this_host_has_the_mounts_that_psutil_sees() -> None:
    table = MountTable()

    def agree() -> bool:
        seen = {partition.mountpoint: partition.fstype for partition in psutil.disk_partitions(all=True)}
        return {mount.path: mount.fstype for mount in table.mounts()} == seen

    eventually(agree)


def test_a_new_mount_is_seen_at_once_and_so_is_its_end(tmp_path: Path) -> None:
    run_with_mounts_of_its_own(f"""
        from tsmon_agent.host.samplers.mount_table import MountTable

        table = MountTable()
        before = table.mounts()
        assert table.mounts() is before
        for name in ("a b", "c\\n"):
            path = {str(tmp_path)!r} + "/" + name
            mount("tmpfs", path)
            assert path in [found.path for found in table.mounts()]
        unmount(path)
        assert path not in [found.path for found in table.mounts()]
        assert len(table.mounts()) == len(before) + 1
    """)
