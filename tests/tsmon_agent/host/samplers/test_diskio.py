from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, written_by
from tsmon.time_units import SECOND_NS
from tsmon_agent.host.samplers.diskio import DiskIOOptions, DiskIOSampler

IDLE = {"io_util", "io_await"}


class Clock:
    now_ns = 5 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


def write_diskstats(root: Path, **devices: str) -> None:
    (root / "proc").mkdir(exist_ok=True)
    lines = [f"   8  {minor} {name} {figures}" for minor, (name, figures) in enumerate(devices.items())]
    (root / "proc/diskstats").write_text("\n".join([*lines, ""]))


def test_a_server_is_read() -> None:
    points = written_by("name", DiskIOSampler("h", root=MACHINES / "server").sample())
    assert list(points) == ["loop1", "nvme0n1", "nvme0n1p1", "dm-0"]
    assert points["nvme0n1"].fields == {
        "reads": 1000,
        "writes": 2000,
        "read_bytes": 80_000 * 512,
        "write_bytes": 160_000 * 512,
        "read_time": 400,
        "write_time": 900,
        "io_time": 700,
        "weighted_io_time": 1300,
        "iops_in_progress": 2,
        "merged_reads": 50,
        "merged_writes": 300,
    }


def test_rates_are_over_the_interval_between_two_readings(tmp_path: Path) -> None:
    clock = Clock()
    sampler = DiskIOSampler("h", root=tmp_path, monotonic_ns=clock)
    write_diskstats(tmp_path, sda="100 0 0 500 50 0 0 300 0 1000 800")
    assert not IDLE & written_by("name", sampler.sample())["sda"].fields.keys()
    clock.now_ns += 2 * SECOND_NS
    write_diskstats(tmp_path, sda="106 0 0 530 54 0 0 320 0 1500 900")
    fields = written_by("name", sampler.sample())["sda"].fields
    assert fields["io_util"] == 25.0
    assert fields["io_await"] == 5.0
    clock.now_ns += SECOND_NS
    fields = written_by("name", sampler.sample())["sda"].fields
    assert fields["io_util"] == 0.0
    assert "io_await" not in fields


def test_priming_makes_the_first_round_complete(tmp_path: Path) -> None:
    clock = Clock()
    write_diskstats(tmp_path, sda="1 0 0 0 0 0 0 0 0 0 0")
    sampler = DiskIOSampler("h", root=tmp_path, monotonic_ns=clock)
    sampler.prime()
    clock.now_ns += SECOND_NS
    write_diskstats(tmp_path, sda="2 0 0 7 0 0 0 0 0 100 0")
    fields = written_by("name", sampler.sample())["sda"].fields
    assert (fields["io_util"], fields["io_await"]) == (10.0, 7.0)


def test_a_counter_that_went_back_gives_no_rates(tmp_path: Path) -> None:
    clock = Clock()
    sampler = DiskIOSampler("h", root=tmp_path, monotonic_ns=clock)
    write_diskstats(tmp_path, sda="100 0 0 4294967290 50 0 0 300 0 1000 800")
    sampler.prime()
    clock.now_ns += SECOND_NS
    write_diskstats(tmp_path, sda="106 0 0 4 54 0 0 320 0 1500 900")
    fields = written_by("name", sampler.sample())["sda"].fields
    assert fields["reads"] == 106
    assert not IDLE & fields.keys()


def test_a_new_device_has_counters_at_once(tmp_path: Path) -> None:
    sampler = DiskIOSampler("h", root=tmp_path)
    write_diskstats(tmp_path, sda="1 0 0 0 0 0 0 0 0 0 0")
    sampler.prime()
    write_diskstats(tmp_path, sda="1 0 0 0 0 0 0 0 0 0 0", sdb="1 0 0 0 0 0 0 0 0 0 0")
    points = written_by("name", sampler.sample())
    assert IDLE & points["sda"].fields.keys()
    assert not IDLE & points["sdb"].fields.keys()


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (("nvme*",), ["nvme0n1", "nvme0n1p1"]),
        (("/dev/dm-0", "sda"), ["dm-0"]),
        (("loop0",), ["loop0"]),
        ((), []),
    ],
)
def test_configured_devices_are_reported_worked_or_not(devices: tuple[str, ...], expected: list[str]) -> None:
    sampler = DiskIOSampler("h", DiskIOOptions(devices=devices), root=MACHINES / "server")
    assert list(written_by("name", sampler.sample())) == expected


def test_unknown_devices_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sampler = DiskIOSampler("h", DiskIOOptions(devices=("sda", "dm-0")), root=MACHINES / "server")
    sampler.sample()
    sampler.sample()
    assert [record.getMessage() for record in caplog.records] == [
        "there is no block device 'sda' here; it is ignored until there is"
    ]


def test_this_host_has_the_counters_that_psutil_sees() -> None:
    before = psutil.disk_io_counters(perdisk=True, nowrap=False)
    points = written_by("name", DiskIOSampler("h").sample())
    after = psutil.disk_io_counters(perdisk=True, nowrap=False)
    names = {
        "reads": "read_count",
        "writes": "write_count",
        "read_bytes": "read_bytes",
        "write_bytes": "write_bytes",
        "read_time": "read_time",
        "write_time": "write_time",
        "io_time": "busy_time",
        "merged_reads": "read_merged_count",
        "merged_writes": "write_merged_count",
    }
    worked = {name for name, counters in before.items() if counters.read_count or counters.write_count}
    assert worked <= set(points)
    for device, point in points.items():
        for field, name in names.items():
            value = point.fields[field]
            assert isinstance(value, int)
            assert getattr(before[device], name) <= value <= getattr(after[device], name), (device, field)
