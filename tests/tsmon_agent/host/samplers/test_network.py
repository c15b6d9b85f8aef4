import socket
from collections.abc import Collection
from pathlib import Path

import psutil
import pytest

from tests.tsmon_agent.host.samplers.reading import MACHINES, written_by
from tsmon_agent.host.samplers.network import NetworkOptions, NetworkSampler, read_flags

UP, LOOPBACK = 0x1, 0x8
SERVER = {"lo": UP | LOOPBACK, "eno1": UP | 0x1002, "eno2": 0x1002, "veth0": UP | 0x1002}


def flags_of_server(interfaces: Collection[str]) -> dict[str, int]:
    return {interface: SERVER[interface] for interface in interfaces}


def test_a_server_is_read_but_for_loopback_and_what_is_down() -> None:
    points = written_by("interface", NetworkSampler("h", root=MACHINES / "server", flags=flags_of_server).sample())
    assert list(points) == ["eno1", "veth0"]
    assert points["eno1"].fields == {
        "bytes_sent": 2_829_636,
        "bytes_recv": 18_446_744_073_709,
        "packets_sent": 27_291,
        "packets_recv": 34_319,
        "err_in": 1,
        "err_out": 7,
        "drop_in": 2,
        "drop_out": 8,
        "speed": 10_000,
    }


def test_an_unknown_speed_is_left_out() -> None:
    points = written_by("interface", NetworkSampler("h", root=MACHINES / "server", flags=flags_of_server).sample())
    assert "speed" not in points["veth0"].fields


def test_an_interface_whose_flags_cannot_be_read_is_shown() -> None:
    sampler = NetworkSampler("h", root=MACHINES / "server", flags=lambda _: {"lo": UP | LOOPBACK})
    assert list(written_by("interface", sampler.sample())) == ["eno1", "eno2", "veth0"]


@pytest.mark.parametrize(
    ("interfaces", "expected"), [(("lo", "eno2", "wlan0"), ["lo", "eno2"]), (("en*",), ["eno1", "eno2"]), ((), [])]
)
def test_configured_interfaces_are_reported_up_or_not(interfaces: tuple[str, ...], expected: list[str]) -> None:
    options = NetworkOptions(interfaces=interfaces)
    sampler = NetworkSampler("h", options, root=MACHINES / "server", flags=flags_of_server)
    assert list(written_by("interface", sampler.sample())) == expected


def test_unknown_interfaces_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sampler = NetworkSampler("h", NetworkOptions(interfaces=("lo", "wlan0")), root=MACHINES / "server")
    sampler.sample()
    sampler.sample()
    assert [record.getMessage() for record in caplog.records] == [
        "there is no network interface 'wlan0' here; it is ignored until there is"
    ]


def test_a_speed_is_read_again_after_a_minute_and_for_a_new_interface(tmp_path: Path) -> None:
    header = "Inter-|   Receive |  Transmit\n face |bytes |bytes\n"
    traffic = " 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
    (tmp_path / "proc/net").mkdir(parents=True)
    for interface in ("a", "b"):
        (tmp_path / "sys/class/net" / interface).mkdir(parents=True)
        (tmp_path / "sys/class/net" / interface / "speed").write_text("100\n")
    now_ns = [0]
    sampler = NetworkSampler("h", root=tmp_path, flags=lambda _: {}, monotonic_ns=lambda: now_ns[0])

    def speeds(*interfaces: str) -> dict[str, object]:
        (tmp_path / "proc/net/dev").write_text(header + "".join(f"{name}:{traffic}" for name in interfaces))
        return {name: point.fields["speed"] for name, point in written_by("interface", sampler.sample()).items()}

    assert speeds("a") == {"a": 100}
    (tmp_path / "sys/class/net/a/speed").write_text("1000\n")
    (tmp_path / "sys/class/net/b/speed").write_text("1000\n")
    now_ns[0] += 59_000_000_000
    assert speeds("a", "b") == {"a": 100, "b": 1000}
    now_ns[0] += 1_000_000_000
    assert speeds("a", "b") == {"a": 1000, "b": 1000}


def test_flags_are_those_of_sysfs() -> None:
    names = [name for _, name in socket.if_nameindex()]
    flags = read_flags([*names, "no-such-thing", "a-name-that-is-too-long"])
    assert set(flags) == set(names)
    assert flags["lo"] & LOOPBACK
    for name in names:
        # /sys does not show IFF_RUNNING and the like, which follow from the link's state.
        shown = int(Path(f"/sys/class/net/{name}/flags").read_text(), 16)
        assert flags[name] & (UP | LOOPBACK) == shown & (UP | LOOPBACK)


def test_this_host_has_the_counters_that_psutil_sees() -> None:
    every = tuple(name for _, name in socket.if_nameindex())
    before = psutil.net_io_counters(pernic=True, nowrap=False)
    points = written_by("interface", NetworkSampler("h", NetworkOptions(interfaces=every)).sample())
    after = psutil.net_io_counters(pernic=True, nowrap=False)
    names = {"err_in": "errin", "err_out": "errout", "drop_in": "dropin", "drop_out": "dropout"}
    assert set(points) == set(before)
    for interface, point in points.items():
        for field in point.fields.keys() - {"speed"}:
            name = names.get(field, field)
            value = point.fields[field]
            assert isinstance(value, int)
            assert getattr(before[interface], name) <= value <= getattr(after[interface], name), (interface, field)
