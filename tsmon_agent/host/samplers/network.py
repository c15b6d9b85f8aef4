"""Traffic of network interfaces, from /proc/net/dev."""

import fcntl
import socket
import struct
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tsmon.points import Point
from tsmon.points.host import Network
from tsmon.time_units import MINUTE_NS
from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import ROOT, KernelFileError, read_kernel_file
from tsmon_agent.host.samplers.name_filter import Selection
from tsmon_agent.host.samplers.tag_values import tag_value
from tsmon_agent.settings import AgentSettings

__all__ = ["NetworkOptions", "NetworkSampler", "read_flags"]

_UP: Final = 0x1
_LOOPBACK: Final = 0x8
_GET_FLAGS: Final = 0x8913
"""IFF_UP, IFF_LOOPBACK and SIOCGIFFLAGS of linux/if.h and linux/sockios.h; see netdevice(7)."""

_COLUMNS: Final = 16
_SPEED_AGE_NS: Final = MINUTE_NS


@dataclass(frozen=True, slots=True)
class NetworkOptions(Options):
    """``interfaces``: names or patterns (``eth0``, ``en*``), up or not; None: all that are up, except loopback."""

    interfaces: tuple[str, ...] | None = None


def read_flags(interfaces: Collection[str]) -> dict[str, int]:
    """Flags of those ``interfaces`` that exist, by an ioctl, which costs a sixth of reading them from /sys."""
    flags = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
        for interface in interfaces:
            request = struct.pack("16sh14x", interface.encode(errors="surrogateescape"), 0)
            try:
                answer = fcntl.ioctl(any_socket, _GET_FLAGS, request)
            except OSError:
                continue
            flags[interface] = struct.unpack_from("H", answer, 16)[0]
    return flags


class NetworkSampler(Sampler):
    """One point per interface. The link speed is read only once a minute, since the kernel takes a global lock."""

    name: ClassVar[str] = "net"
    options_type: ClassVar[type[Options]] = NetworkOptions

    def __init__(
        self,
        host: str,
        options: NetworkOptions | None = None,
        *,
        root: Path = ROOT,
        flags: Callable[[Collection[str]], dict[str, int]] = read_flags,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(host, options)
        interfaces = (options or NetworkOptions()).interfaces
        self._selection = None if interfaces is None else Selection("network interface", interfaces)
        self._path = str(root / "proc/net/dev")
        self._sys = str(root / "sys/class/net")
        self._flags = flags
        self._monotonic_ns = monotonic_ns
        self._speeds: dict[str, int | None] = {}
        self._speeds_until_ns = 0

    @classmethod
    def options_from(cls, settings: AgentSettings) -> NetworkOptions:
        """See :meth:`Sampler.options_from`."""
        return NetworkOptions(interfaces=None if settings.interfaces is None else tuple(settings.interfaces))

    def sample(self) -> list[Point]:
        """One point per interface."""
        traffic = self._read()
        time_ns = time.time_ns()
        selected = self._select(traffic)
        speeds = self._read_speeds(selected)
        return [self._build_point(name, traffic[name], speeds[name], time_ns) for name in selected]

    def _select(self, interfaces: Collection[str]) -> list[str]:
        if self._selection is not None:
            chosen = [interface for interface in interfaces if interface in self._selection]
            self._selection.log_unmatched()
            return chosen
        flags = self._flags(interfaces)
        return [
            interface
            for interface in interfaces
            # An interface whose flags cannot be read is reported: its counters are valid.
            if flags.get(interface, _UP) & (_UP | _LOOPBACK) == _UP
        ]

    def _read(self) -> dict[str, list[bytes]]:
        traffic = {}
        for line in read_kernel_file(self._path).split(b"\n")[2:]:
            interface, _, rest = line.rpartition(b":")
            columns = rest.split()
            if len(columns) >= _COLUMNS:
                traffic[interface.strip().decode(errors="surrogateescape")] = columns
        return traffic

    def _read_speeds(self, interfaces: list[str]) -> dict[str, int | None]:
        now_ns = self._monotonic_ns()
        known = self._speeds if now_ns < self._speeds_until_ns else {}
        if not known:
            self._speeds_until_ns = now_ns + _SPEED_AGE_NS
        self._speeds = {
            interface: known[interface] if interface in known else self._read_speed(interface)
            for interface in interfaces
        }
        return self._speeds

    def _read_speed(self, interface: str) -> int | None:
        try:
            speed = int(read_kernel_file(f"{self._sys}/{interface}/speed"))
        except (KernelFileError, ValueError):
            return None
        return speed if speed > 0 else None

    def _build_point(self, interface: str, columns: list[bytes], speed: int | None, time_ns: int) -> Network:
        return Network(
            host=self.host,
            interface=tag_value(interface),
            bytes_sent=int(columns[8]),
            bytes_recv=int(columns[0]),
            packets_sent=int(columns[9]),
            packets_recv=int(columns[1]),
            err_in=int(columns[2]),
            err_out=int(columns[10]),
            drop_in=int(columns[3]),
            drop_out=int(columns[11]),
            speed=speed,
            time=time_ns,
        )
