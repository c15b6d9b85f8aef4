"""The schema on which dashboards for Telegraf rely, pinned name by name."""

import subprocess
import sys

import pytest

from tsmon.line_protocol import encode
from tsmon.points import host
from tsmon.points.host import Cpu, Disk, DiskIO, HostPoint, Memory, Network, Processes, Swap, System


def columns(*, floats: str = "", ints: str = "") -> dict[str, type]:
    return dict.fromkeys(floats.split(), float) | dict.fromkeys(ints.split(), int)


SCHEMA: dict[type[HostPoint], tuple[str, str, dict[str, type]]] = {
    Cpu: (
        "cpu",
        "cpu",
        columns(
            floats="usage_user usage_system usage_idle usage_nice usage_iowait usage_irq usage_softirq "
            "usage_steal usage_guest usage_guest_nice"
        ),
    ),
    Memory: (
        "mem",
        "",
        columns(
            ints="active available buffered cached commit_limit committed_as dirty free high_free high_total "
            "huge_page_size huge_pages_free huge_pages_total inactive low_free low_total mapped page_tables "
            "shared slab sreclaimable sunreclaim swap_cached swap_free swap_total total used vmalloc_chunk "
            "vmalloc_total vmalloc_used write_back write_back_tmp",
            floats="used_percent available_percent",
        ),
    ),
    Swap: ("swap", "", columns(ints="total used free in out", floats="used_percent")),
    Disk: (
        "disk",
        "device fstype label mode path",
        columns(
            ints="total free used inodes_total inodes_free inodes_used",
            floats="used_percent inodes_used_percent",
        ),
    ),
    DiskIO: (
        "diskio",
        "name",
        columns(
            ints="reads writes read_bytes write_bytes read_time write_time io_time weighted_io_time "
            "iops_in_progress merged_reads merged_writes",
            floats="io_util io_await",
        ),
    ),
    Network: (
        "net",
        "interface",
        columns(ints="bytes_sent bytes_recv packets_sent packets_recv err_in err_out drop_in drop_out speed"),
    ),
    System: (
        "system",
        "",
        columns(ints="n_cpus n_users n_unique_users uptime", floats="load1 load5 load15"),
    ),
    Processes: (
        "processes",
        "",
        columns(
            ints="running sleeping blocked zombies stopped dead paging idle parked unknown total total_threads"
        ),
    ),
}


@pytest.mark.parametrize("cls", SCHEMA, ids=lambda cls: cls.__name__)
def test_names_and_types_are_those_of_telegraf(cls: type[HostPoint]) -> None:
    measurement, tags, fields = SCHEMA[cls]
    declaration = cls.__declaration__
    assert declaration.measurement == measurement
    assert {column.key for column in declaration.columns if column.tag} == {"host", *tags.split()}
    assert {column.key: column.type for column in declaration.columns if column.field} == fields


def test_every_class_of_the_package_is_pinned() -> None:
    assert {cls.__name__ for cls in SCHEMA} | {"HostPoint"} == set(host.__all__)


def test_swap_writes_the_fields_in_and_out() -> None:
    swap = Swap(host="h", total=8, used=2, free=6, used_percent=25.0, swapped_in=1, swapped_out=2, time=7)
    assert encode(swap) == b"swap,host=h total=8i,used=2i,free=6i,used_percent=25.0,in=1i,out=2i 7"


def test_values_that_the_kernel_does_not_report_are_left_out() -> None:
    assert encode(Memory(host="h", total=8, free=6, time=7)) == b"mem,host=h total=8i,free=6i 7"


def test_a_disk_without_a_label_has_no_such_tag() -> None:
    disk = Disk(host="h", path="/a b", device="sda1", fstype="ext4", mode="rw", total=3, free=1, used=2, time=7)
    assert encode(disk) == (b"disk,device=sda1,fstype=ext4,host=h,mode=rw,path=/a\\ b total=3i,free=1i,used=2i 7")


def test_the_classes_load_without_psutil() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys, tsmon.points.host; assert 'psutil' not in sys.modules"],
        check=True,
    )
