"""Reads files of /proc and /sys with as few system calls as possible."""

import os
from pathlib import Path
from typing import Final

from tsmon.errors import TsmonError

__all__ = ["ROOT", "KernelFileError", "read_kernel_file"]

ROOT: Final = Path("/")
"""The directory whose ``proc``, ``sys``, ``dev`` and ``var`` samplers read."""

_CHUNK: Final = 65_536


class KernelFileError(TsmonError):
    """A kernel file cannot be read; the text names the file and the reason."""


def read_kernel_file(path: str) -> bytes:
    """Content of ``path``; raises :class:`KernelFileError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read_descriptor(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KernelFileError(
            f"{path} cannot be read ({error.strerror}); "
            "leave out the sampler that needs it, or let the agent read the file"
        ) from error


def read_descriptor(descriptor: int) -> bytes:
    """Everything from the current position of ``descriptor``.

    A short read is not the end: the kernel returns lists one buffer at a time, often of 4 KiB.
    """
    content = b""
    while chunk := os.read(descriptor, _CHUNK):
        content += chunk
    return content
