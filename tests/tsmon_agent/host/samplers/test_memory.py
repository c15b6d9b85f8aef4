from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually, only_fields
from tsmon_agent.host.samplers import KernelFileError
from tsmon_agent.host.samplers.memory import MemorySampler


def test_a_server_is_read() -> None:
    kib = 1024
    assert only_fields(MemorySampler("h", root=MACHINES / "server").sample()) == {
        "total": 65_821_404 * kib,
        "free": 1_834_560 * kib,
        "available": 48_231_020 * kib,
        "used": (65_821_404 - 1_834_560 - 812_344 - 46_120_008) * kib,
        "used_percent": 100 * 17_054_492 / 65_821_404,
        "available_percent": 100 * 48_231_020 / 65_821_404,
        "active": 30_123_456 * kib,
        "buffered": 812_344 * kib,
        "cached": 46_120_008 * kib,
        "commit_limit": 41_299_304 * kib,
        "committed_as": 28_765_432 * kib,
        "dirty": 1_532 * kib,
        "huge_pages_free": 128,
        "huge_page_size": 2_048 * kib,
        "huge_pages_total": 512,
        "inactive": 25_234_567 * kib,
        "mapped": 1_500_000 * kib,
        "page_tables": 123_456 * kib,
        "shared": 654_321 * kib,
        "slab": 7_000_000 * kib,
        "sreclaimable": 6_000_000 * kib,
        "sunreclaim": 1_000_000 * kib,
        "swap_cached": 10_240 * kib,
        "swap_free": 6_291_452 * kib,
        "swap_total": 8_388_604 * kib,
        "vmalloc_chunk": 0,
        "vmalloc_total": 34_359_738_367 * kib,
        "vmalloc_used": 234_567 * kib,
        "write_back_tmp": 0,
        "write_back": 16 * kib,
    }


def test_an_old_kernel_on_32_bits_offers_high_memory_but_no_estimate_of_what_is_available() -> None:
    fields = only_fields(MemorySampler("h", root=MACHINES / "board").sample())
    assert fields["high_total"] == 270_336 * 1024
    assert fields["low_free"] == 510_976 * 1024
    assert fields["used"] == (1_026_168 - 512_000 - 10_240 - 224_800) * 1024
    assert not {"available", "available_percent", "vmalloc_total", "commit_limit"} & fields.keys()


def test_this_host_has_the_memory_that_psutil_sees() -> None:
    sampler = MemorySampler("h")

    def agree() -> bool:
        before = psutil.virtual_memory()
        fields = only_fields(sampler.sample())
        return before.total == fields["total"] and (
            before.available,
            before.free,
            before.active,
            before.inactive,
            before.buffers,
            before.cached,
            before.shared,
            before.slab,
        ) == tuple(
            fields[name]
            for name in ("available", "free", "active", "inactive", "buffered", "cached", "shared", "slab")
        )

    eventually(agree)


def test_a_kernel_without_the_total_is_refused(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 4 kB\n")
    with pytest.raises(KernelFileError, match="has no entry MemTotal"):
        MemorySampler("h", root=tmp_path).sample()
