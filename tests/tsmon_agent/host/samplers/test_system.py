import os
import shutil
import struct
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, eventually, only_fields
from tsmon_agent.host.samplers.system import SystemSampler

USER, BOOT, DEAD = 7, 2, 8


def utmp(record_bytes: int, *sessions: tuple[int, bytes]) -> bytes:
    """Write type, process, line, id, user and host as in the manual; the rest differs by architecture."""
    return b"".join(
        struct.pack("=hxxi32s4s32s256s", kind, 1234, b"pts/0", b"ts/0", user, b"").ljust(record_bytes, b"\0")
        for kind, user in sessions
    )


@pytest.fixture
def server(tmp_path: Path) -> Path:
    shutil.copytree(MACHINES / "server/proc", tmp_path / "proc", symlinks=True)
    (tmp_path / "var/run").mkdir(parents=True)
    return tmp_path


def test_a_server_without_utmp_is_read() -> None:
    assert only_fields(SystemSampler("h", root=MACHINES / "server").sample()) == {
        "load1": 0.52,
        "load5": 1.25,
        "load15": 2.0,
        "n_cpus": os.sysconf("SC_NPROCESSORS_ONLN"),
        "uptime": 2305,
    }


@pytest.mark.parametrize("record_bytes", [384, 400])
def test_sessions_and_users_are_counted_in_both_layouts_of_utmp(server: Path, record_bytes: int) -> None:
    sampler = SystemSampler("h", root=server)
    (server / "var/run/utmp").write_bytes(
        utmp(record_bytes, (BOOT, b"reboot"), (USER, b"ann"), (USER, b"bob"), (DEAD, b"eve"), (USER, b"ann"))
    )
    fields = only_fields(sampler.sample())
    assert (fields["n_users"], fields["n_unique_users"]) == (3, 2)
    (server / "var/run/utmp").write_bytes(b"")
    fields = only_fields(sampler.sample())
    assert (fields["n_users"], fields["n_unique_users"]) == (0, 0)


def test_an_unknown_layout_of_utmp_is_not_guessed_at(server: Path) -> None:
    for content in (b"\7\0" * 100, b"\x0a\0" * 192):
        (server / "var/run/utmp").write_bytes(content)
        assert "n_users" not in only_fields(SystemSampler("h", root=server).sample())


@pytest.mark.parametrize(("record_bytes", "sessions"), [(384, 25), (400, 24)])
def test_a_file_whose_size_fits_both_layouts_is_read_in_its_own(
    server: Path, record_bytes: int, sessions: int
) -> None:
    (server / "var/run/utmp").write_bytes(utmp(record_bytes, *[(USER, b"ann")] * sessions))
    assert only_fields(SystemSampler("h", root=server).sample())["n_users"] == sessions


def test_this_host_has_the_load_and_the_uptime_that_psutil_sees() -> None:
    sampler = SystemSampler("h")

    def agree() -> bool:
        load = os.getloadavg()
        fields = only_fields(sampler.sample())
        return (
            tuple(round(value, 2) for value in load) == (fields["load1"], fields["load5"], fields["load15"])
            and fields["n_cpus"] == psutil.cpu_count()
            and fields.get("n_users", 0) == len(psutil.users())
        )

    eventually(agree)
    uptime = only_fields(sampler.sample())["uptime"]
    assert isinstance(uptime, int)
    with Path("/proc/uptime").open() as file:
        assert uptime <= float(file.read().split()[0]) <= uptime + 60
