"""A small file system that only one process sees, gone with it: for disks that are full or read-only."""

import os
import subprocess
from pathlib import Path

from tests.services.required import missing

__all__ = ["with_mount"]

SCRIPT = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'


def with_mount(directory: Path, options: str) -> tuple[str, ...]:
    """What to put before a command so that it finds a tmpfs with these mount options on ``directory``."""
    alone = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    prefix = (*alone, "sh", "-c", SCRIPT, "sh", options, str(directory))
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        missing(f"a mount of one's own cannot be had here ({error}); let this user make namespaces, or be root")
    return prefix
