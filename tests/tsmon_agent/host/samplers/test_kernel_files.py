from pathlib import Path

import pytest

from tests.tsmon_agent.host.samplers.reading import eventually
from tsmon_agent.host.samplers import KernelFileError
from tsmon_agent.host.samplers.kernel_files import read_kernel_file


def test_a_file_that_the_kernel_hands_out_in_parts_is_read_to_its_end(tmp_path: Path) -> None:
    """A regular file, and one of more than the 4 KiB that the kernel gives at a time."""
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 1000)
    assert read_kernel_file(str(large)) == large.read_bytes()
    eventually(lambda: read_kernel_file("/proc/self/maps") == Path("/proc/self/maps").read_bytes())


def test_an_unreadable_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(KernelFileError, match=f"{tmp_path}/no cannot be read \\(No such file or directory\\)"):
        read_kernel_file(f"{tmp_path}/no")


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_kernel_file("/proc/stat")
    with pytest.raises(KernelFileError):
        read_kernel_file(str(tmp_path))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
