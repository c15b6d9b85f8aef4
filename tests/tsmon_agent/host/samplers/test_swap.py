import os
import shutil
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually, only_fields
from tsmon_agent.host.samplers.swap import SwapSampler


def test_a_server_is_read() -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    assert only_fields(SwapSampler("h", root=MACHINES / "server").sample()) == {
        "total": 8_388_604 * 1024,
        "used": 2_097_152 * 1024,
        "free": 6_291_452 * 1024,
        "used_percent": pytest.approx(100 * 2_097_152 / 8_388_604),
        "in": 1_200 * page,
        "out": 3_400 * page,
    }


def test_without_swap_space_nothing_can_be_used_in_percent(tmp_path: Path) -> None:
    shutil.copytree(MACHINES / "board", tmp_path, dirs_exist_ok=True)
    assert only_fields(SwapSampler("h", root=tmp_path).sample()) == {"total": 0, "used": 0, "free": 0}


def test_a_kernel_that_counts_no_events_has_no_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("SwapTotal: 8 kB\nSwapFree: 2 kB\n")
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 1\n")
    fields = only_fields(SwapSampler("h", root=tmp_path).sample())
    assert fields == {"total": 8192, "used": 6144, "free": 2048, "used_percent": 75.0}


@pytest.mark.skipif(os.sysconf("SC_PAGE_SIZE") != 4096, reason="psutil takes every page for one of 4 KiB")
def test_this_host_has_the_swap_space_that_psutil_sees() -> None:
    sampler = SwapSampler("h")

    def agree() -> bool:
        seen = psutil.swap_memory()
        fields = only_fields(sampler.sample())
        return (seen.total, seen.used, seen.free, seen.sin, seen.sout) == tuple(
            fields[name] for name in ("total", "used", "free", "in", "out")
        )

    eventually(agree)
