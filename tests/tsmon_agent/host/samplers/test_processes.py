import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import eventually, only_fields
from tsmon_agent.host.samplers import KernelFileError
from tsmon_agent.host.samplers.processes import ProcessesOptions, ProcessesSampler

MILLISECOND_NS = 1_000_000


def write_process(root: Path, pid: int, state: str, *, threads: int = 1, name: str = "sh") -> None:
    directory = root / f"proc/{pid}"
    directory.mkdir(parents=True)
    (directory / "stat").write_text(
        f"{pid} ({name}) {state} 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 {threads} 0 100 35991552 2310"
        " 18446744073709551615 1 1 0 0 0 0 0 4096 1256 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def test_states_and_threads_are_counted(tmp_path: Path) -> None:
    for pid, state in enumerate("RSSDZTtXxWIIIPQ", start=1):
        write_process(tmp_path, pid, state, threads=pid)
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/uptime").write_text("1 1\n")
    assert only_fields(ProcessesSampler("h", root=tmp_path).sample()) == {
        "running": 1,
        "sleeping": 2,
        "blocked": 1,
        "zombies": 1,
        "stopped": 2,
        "dead": 2,
        "paging": 1,
        "idle": 3,
        "parked": 1,
        "unknown": 1,
        "total": 15,
        "total_threads": sum(range(1, 16)),
    }


@pytest.mark.parametrize("name", ["a) R 1", ") Z (", "a b", ""])
def test_a_programs_name_is_not_taken_for_its_state(tmp_path: Path, name: str) -> None:
    write_process(tmp_path, 1, "S", threads=3, name=name)
    fields = only_fields(ProcessesSampler("h", root=tmp_path).sample())
    assert (fields["sleeping"], fields["total"], fields["total_threads"]) == (1, 1, 3)


def test_a_process_that_vanishes_meanwhile_is_not_counted(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    """One that is gone before its file is opened, and one that is gone before the file is read."""
    write_process(tmp_path, 1, "S")
    (tmp_path / "proc/2").mkdir()
    (tmp_path / "proc/3").mkdir()
    descriptor = os.open(f"/proc/{child.pid}/stat", os.O_RDONLY)
    (tmp_path / "proc/3/stat").symlink_to(f"/proc/self/fd/{descriptor}")
    sampler = ProcessesSampler("h", root=tmp_path)
    assert only_fields(sampler.sample())["total"] == 2
    child.kill()
    child.wait()
    fields = only_fields(sampler.sample())
    os.close(descriptor)
    assert (fields["total"], fields["sleeping"], fields["total_threads"]) == (1, 1, 1)


def test_a_process_that_may_not_be_read_is_unknown_and_so_are_the_threads() -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        root.chmod(0o755)
        write_process(root, 1, "S")
        write_process(root, 2, "S")
        (root / "proc/2/stat").chmod(0)
        privileged = os.geteuid() == 0
        if privileged:
            os.seteuid(65534)
        try:
            fields = only_fields(ProcessesSampler("h", root=root).sample())
        finally:
            if privileged:
                os.seteuid(0)
    assert (fields["total"], fields["sleeping"], fields["unknown"]) == (2, 1, 1)
    assert "total_threads" not in fields


def test_a_dear_scan_is_repeated_only_after_a_while(tmp_path: Path) -> None:
    """A scan of 8 ms at 0.5 % of a processor: every 1.6 s."""
    write_process(tmp_path, 1, "S")
    now_ns = 0
    processor_ns = iter([0, 8 * MILLISECOND_NS, 10 * MILLISECOND_NS, 11 * MILLISECOND_NS, 0, 0])
    sampler = ProcessesSampler(
        "h",
        ProcessesOptions(max_share=0.005),
        root=tmp_path,
        monotonic_ns=lambda: now_ns,
        processor_ns=lambda: next(processor_ns),
    )
    assert len(sampler.sample()) == 1
    now_ns = 1_599 * MILLISECOND_NS
    assert sampler.sample() == []
    now_ns = 1_600 * MILLISECOND_NS
    assert len(sampler.sample()) == 1
    assert len(sampler.sample()) == 1, "the last scan was cheap"


def test_without_procfs_the_sampler_says_so(tmp_path: Path) -> None:
    with pytest.raises(KernelFileError, match="cannot be listed"):
        ProcessesSampler("h", root=tmp_path).sample()


def test_this_host_has_the_processes_that_psutil_sees() -> None:
    sampler = ProcessesSampler("h")

    def agree() -> bool:
        before = psutil.pids()
        fields = only_fields(sampler.sample())
        states = sum(int(fields[state]) for state in fields.keys() - {"total", "total_threads"})
        assert states == fields["total"]
        return before == psutil.pids() and fields["total"] == len(before)

    eventually(agree)


def test_a_stopped_and_an_ended_child_are_counted(child: subprocess.Popen[bytes]) -> None:
    sampler = ProcessesSampler("h")
    os.kill(child.pid, signal.SIGSTOP)
    eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
    assert int(only_fields(sampler.sample())["stopped"]) >= 1
    child.kill()
    eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert int(only_fields(sampler.sample())["zombies"]) >= 1
