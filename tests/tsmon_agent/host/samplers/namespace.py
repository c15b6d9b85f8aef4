"""Running a script where it may mount what it likes, unseen by the rest of the machine."""

import subprocess
import sys
import textwrap

from tests.services.required import missing

__all__ = ["run_with_mounts_of_its_own"]

_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")

_PRELUDE = """
import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def mount(fstype, path, options=""):
    os.makedirs(path, exist_ok=True)
    if libc.mount(b"test", path.encode(), fstype.encode(), 0, options.encode()):
        raise OSError(ctypes.get_errno(), f"mounting {fstype}")

def unmount(path):
    if libc.umount2(path.encode(), 2):
        raise OSError(ctypes.get_errno(), "unmounting")
"""


def run_with_mounts_of_its_own(script: str) -> None:
    """Run ``script``, which may call ``mount(fstype, path, options)`` and ``unmount(path)``; it must succeed."""
    try:
        allowed = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        missing("unshare cannot make a namespace for mounts; install util-linux and allow user namespaces")
    command = [*_UNSHARE, sys.executable, "-W", "error", "-c", _PRELUDE + textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
