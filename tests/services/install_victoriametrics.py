"""Build the real VictoriaMetrics for the tests from its Go module, once, into the cache beside InfluxDB."""

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.services.install_influxd import MissingToolError, cache

__all__ = ["VERSION", "install"]

MODULE: Final = Path(__file__).parent / "victoriametrics"
PACKAGE: Final = "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"
_pinned = re.search(r"github.com/VictoriaMetrics/VictoriaMetrics (v\S+)", (MODULE / "go.mod").read_text())
assert _pinned is not None
VERSION: Final = _pinned[1].removeprefix("v")


def install() -> Path:
    """Way to the server's binary, built if need be: 1 to 3 minutes on two cores.

    Raises :class:`MissingToolError`, or :class:`subprocess.CalledProcessError` with the build's output.
    """
    target = cache() / f"victoriametrics-{VERSION}" / "victoria-metrics"
    if target.exists():
        return target
    if shutil.which("go") is None:
        raise MissingToolError(f"building VictoriaMetrics {VERSION} needs go (install it from https://go.dev/dl)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            unfinished = target.with_name(f"victoria-metrics.{os.getpid()}")
            try:
                subprocess.run(
                    ["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(unfinished), PACKAGE],
                    cwd=MODULE,
                    env={**os.environ, "CGO_ENABLED": "0"},
                    check=True,
                    capture_output=True,
                    text=True,
                )
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
    return target
