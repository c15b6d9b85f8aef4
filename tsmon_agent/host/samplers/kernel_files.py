"""Reading files of /proc and /sys, in as few system calls as they allow."""

import os
from pathlib import Path
from typing import Final

from tsmon.errors import TsmonError

__all__ = ["ROOT", "KernelFileError", "read_kernel_file"]

ROOT: Final = Path("/")
"""Directory with the ``proc``, ``sys``, ``dev`` and ``var`` that samplers read."""

_CHUNK: Final = 65_536


class KernelFileError(TsmonError):
    """A file of the kernel cannot be read; the text names it and the reason."""


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
            "leave the sampler that needs it out, or let the agent read the file"
        ) from error


def read_descriptor(descriptor: int) -> bytes:
    """Everything from the position of ``descriptor`` on.

    A short read is no sign of the end: the kernel hands lists out by its own buffer, often 4 KiB at a time.
    """
    content = b""
    while chunk := os.read(descriptor, _CHUNK):
        content += chunk
    return content
