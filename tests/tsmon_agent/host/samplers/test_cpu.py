import os
import time
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually, written, written_by
from tsmon_agent.host.samplers import KernelFileError
from tsmon_agent.host.samplers.cpu import CpuOptions, CpuSampler


def write_stat(root: Path, **ticks: str) -> None:
    (root / "proc").mkdir(exist_ok=True)
    lines = [f"{cpu} {columns}" for cpu, columns in ticks.items()]
    (root / "proc/stat").write_text("\n".join([*lines, "intr 1 2 3", "ctxt 4", ""]))


def test_the_first_round_has_no_percentages() -> None:
    assert CpuSampler("h").sample() == []


def test_a_server_is_read(tmp_path: Path) -> None:
    """The second reading is the first with 100 ticks more on one processor."""
    first = (MACHINES / "server/proc/stat").read_text()
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(first)
    sampler = CpuSampler("h", root=tmp_path)
    sampler.prime()
    second = first.replace(
        "cpu1 1012825 3087 245309 22030865 10081 0 12809 2470 75000 250",
        "cpu1 1012865 3097 245315 22030895 10084 2 12813 2475 75010 253",
    ).replace(
        "cpu  4051297 12345 981234 88123456 40321 0 51234 9876 300000 1000",
        "cpu  4051337 12355 981240 88123486 40324 2 51238 9881 300010 1003",
    )
    (tmp_path / "proc/stat").write_text(second)
    points = written_by("cpu", sampler.sample())
    assert list(points) == ["cpu-total", "cpu1"]
    assert (
        points["cpu1"].fields
        == points["cpu-total"].fields
        == {
            "usage_user": 30.0,
            "usage_system": 6.0,
            "usage_idle": 30.0,
            "usage_nice": 7.0,
            "usage_iowait": 3.0,
            "usage_irq": 2.0,
            "usage_softirq": 4.0,
            "usage_steal": 5.0,
            "usage_guest": 10.0,
            "usage_guest_nice": 3.0,
        }
    )


def test_a_step_back_of_the_kernel_counts_as_no_time(tmp_path: Path) -> None:
    write_stat(tmp_path, cpu="100 0 100 1000 50 0 0 0 0 0")
    sampler = CpuSampler("h", root=tmp_path)
    sampler.prime()
    write_stat(tmp_path, cpu="130 0 110 1060 45 0 0 0 0 0")
    (point,) = written(sampler.sample())
    assert point.fields["usage_iowait"] == 0.0
    assert point.fields["usage_user"] == 30.0
    assert sum(point.fields.values()) == 100.0  # type: ignore[arg-type]


def test_each_round_tells_of_the_time_since_the_one_before(tmp_path: Path) -> None:
    write_stat(tmp_path, cpu="0 0 0 0 0 0 0 0 0 0")
    sampler = CpuSampler("h", root=tmp_path)
    sampler.prime()
    shares = []
    for user, idle in ((10, 90), (60, 140), (60, 240)):
        write_stat(tmp_path, cpu=f"{user} 0 0 {idle} 0 0 0 0 0 0")
        (point,) = written(sampler.sample())
        shares.append(point.fields["usage_user"])
    assert shares == [10.0, 50.0, 0.0]


def test_without_a_tick_there_is_nothing_to_tell(tmp_path: Path) -> None:
    write_stat(tmp_path, cpu="1 0 0 1 0 0 0 0 0 0")
    sampler = CpuSampler("h", root=tmp_path)
    sampler.prime()
    assert sampler.sample() == []


def test_a_processor_that_comes_on_line_is_told_from_its_second_reading_on(tmp_path: Path) -> None:
    sampler = CpuSampler("h", root=tmp_path)
    write_stat(tmp_path, cpu0="1 0 0 0 0 0 0 0 0 0")
    sampler.prime()
    write_stat(tmp_path, cpu0="2 0 0 0 0 0 0 0 0 0", cpu7="5 0 0 0 0 0 0 0 0 0")
    assert list(written_by("cpu", sampler.sample())) == ["cpu0"]
    write_stat(tmp_path, cpu7="6 0 0 0 0 0 0 0 0 0")
    assert list(written_by("cpu", sampler.sample())) == ["cpu7"]


def test_a_kernel_with_fewer_columns_offers_no_percentages(tmp_path: Path) -> None:
    write_stat(tmp_path, cpu="100 0 50 1000 3 0 1", cpu0="100 0 50 1000 3 0 1")
    sampler = CpuSampler("h", root=tmp_path)
    sampler.prime()
    write_stat(tmp_path, cpu="150 0 60 1100 3 0 1", cpu0="150 0 60 1100 3 0 1")
    assert sampler.sample() == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (CpuOptions(), ["cpu-total", "cpu0"]),
        (CpuOptions(percpu=False), ["cpu-total"]),
        (CpuOptions(totalcpu=False), ["cpu0"]),
        (CpuOptions(percpu=False, totalcpu=False), []),
    ],
)
def test_the_options_choose_the_points(tmp_path: Path, options: CpuOptions, expected: list[str]) -> None:
    write_stat(tmp_path, cpu="1 0 0 0 0 0 0 0 0 0", cpu0="1 0 0 0 0 0 0 0 0 0")
    sampler = CpuSampler("h", options, root=tmp_path)
    sampler.prime()
    write_stat(tmp_path, cpu="2 0 0 0 0 0 0 0 0 0", cpu0="2 0 0 0 0 0 0 0 0 0")
    assert list(written_by("cpu", sampler.sample())) == expected


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KernelFileError, match=f"{tmp_path}/proc/stat cannot be read"):
        CpuSampler("h", root=tmp_path).sample()


def test_this_host_works_while_it_works() -> None:
    """This test's own work is at most what the sampler tells, and every processor is there."""
    sampler = CpuSampler("h", CpuOptions())
    sampler.prime()
    began = time.monotonic()
    worked = time.process_time()

    def every_processor_ticked() -> bool:
        while time.process_time() - worked < 0.2:
            pass
        return time.monotonic() - began > 0.3

    eventually(every_processor_ticked)
    worked = time.process_time() - worked
    points = written_by("cpu", sampler.sample())
    elapsed = time.monotonic() - began
    assert set(points) == {"cpu-total", *(f"cpu{cpu}" for cpu in range(psutil.cpu_count() or 0))}
    for point in points.values():
        assert sum(point.fields.values()) == pytest.approx(100.0)  # type: ignore[arg-type]
    processors = os.sysconf("SC_NPROCESSORS_ONLN")
    total = points["cpu-total"].fields
    busy = float(total["usage_user"]) + float(total["usage_nice"]) + float(total["usage_system"])
    assert busy > 0.5 * 100 * worked / (elapsed * processors)
