"""The mounted file systems, from /proc/self/mountinfo; see proc_pid_mountinfo(5)."""

import os
import re
import select
import weakref
from dataclasses import dataclass
from pathlib import Path

from tsmon_agent.host.samplers.kernel_files import (
    ROOT,
    KernelFileError,
    read_descriptor,
    read_kernel_file,
)

__all__ = ["Mount", "MountTable"]

_escaped = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system. Strings are decoded by ``os.fsdecode``."""

    mount_id: int
    path: str
    device: str
    fstype: str
    mode: str
    label: str | None


class MountTable:
    """The reachable mounts: of several on one mount point, the last one hides the others.

    The kernel signals changes of the table through poll(2); it is read only then.
    """

    def __init__(self, *, root: Path = ROOT) -> None:
        self._path = str(root / "proc/self/mountinfo")
        self._sys = str(root / "sys")
        self._dev = os.path.realpath(root / "dev")
        self._descriptor: int | None = None
        self._changes = select.poll()
        self._mounts: tuple[Mount, ...] | None = None

    def mounts(self) -> tuple[Mount, ...]:
        """All reachable mounts; the same object until the table changes. Raises :class:`KernelFileError`."""
        try:
            descriptor = self._open() if self._descriptor is None else self._descriptor
            # Poll before reading, so that a change during the read is noticed next time.
            changed = self._changes.poll(0)
            if self._mounts is None or changed:
                os.lseek(descriptor, 0, os.SEEK_SET)
                self._mounts = self._parse(read_descriptor(descriptor))
        except OSError as error:
            raise KernelFileError(
                f"{self._path} cannot be read ({error.strerror}); leave out the disk sampler"
            ) from error
        return self._mounts

    def _open(self) -> int:
        self._descriptor = descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        self._changes.register(descriptor, select.POLLPRI | select.POLLERR)
        return descriptor

    def _parse(self, content: bytes) -> tuple[Mount, ...]:
        mounts: dict[str, Mount] = {}
        for line in content.split(b"\n"):
            left, separator, right = line.partition(b" - ")
            if not separator:
                continue
            mount_id, _, device_number, _, path, options = left.split(b" ")[:6]
            fstype, source, super_options = [*right.split(b" "), b"", b""][:3]
            device, label = self._device(_unescape(source), device_number.decode())
            read_only = b"ro" in options.split(b",") or b"ro" in super_options.split(b",")
            mount = Mount(
                mount_id=int(mount_id),
                path=_unescape(path),
                device=device,
                fstype=_unescape(fstype),
                mode="ro" if read_only else "rw",
                label=label,
            )
            mounts.pop(mount.path, None)
            mounts[mount.path] = mount
        return tuple(mounts.values())

    def _device(self, source: str, device_number: str) -> tuple[str, str | None]:
        """Name without ``/dev/``, and device-mapper label, of the device listed as ``source``."""
        if source.startswith("/dev/mapper/"):
            device = os.path.realpath(self._dev + source.removeprefix("/dev")).removeprefix(self._dev + "/")
            try:
                label = read_kernel_file(f"{self._sys}/block/{device}/dm/name")
            except KernelFileError:
                return device, None
            return device, os.fsdecode(label.strip())
        if source == "/dev/root":
            try:
                target = os.readlink(f"{self._sys}/dev/block/{device_number}")  # noqa: PTH115
            except OSError:
                return "root", None
            return os.path.basename(target), None  # noqa: PTH119
        return source.removeprefix("/dev/"), None


def _unescape(text: bytes) -> str:
    r"""Decode a path in which the kernel wrote space, tab, newline and backslash as octal, such as ``\040``."""
    return os.fsdecode(_escaped.sub(lambda found: bytes([int(found[1], 8)]), text))
