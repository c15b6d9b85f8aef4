"""What all servers of the tests' own have in common."""

import signal
import socket
import subprocess
from typing import Final

__all__ = ["free_port", "stop"]

STOP_S: Final = 15.0


def free_port() -> int:
    """A port of this machine's that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> None:
    """End a server by its signal, and by force where it takes too long."""
    process.send_signal(by)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
