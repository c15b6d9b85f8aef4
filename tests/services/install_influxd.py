"""Build the real InfluxDB for the tests: no registry ships its binary, but its Go module does.

``python tests/services/install_influxd.py`` builds it once into a cache directory outside the tree and prints
the way to it. The version is the one that ``influxd/go.mod`` pins. The query engine inside, Flux, is written
in Rust; InfluxData's wrapper of pkg-config has cargo build it. Only the standard library is used here, so
that any Python can run it.
"""

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["VERSION", "MissingToolError", "cache", "cached", "find", "install"]

MODULE: Final = Path(__file__).parent / "influxd"
PACKAGE: Final = "github.com/influxdata/influxdb/v2/cmd/influxd"
WRAPPER: Final = "github.com/influxdata/pkg-config@v0.3.0"
_pinned = re.search(r"github.com/influxdata/influxdb/v2 (v\S+)", (MODULE / "go.mod").read_text())
assert _pinned is not None
VERSION: Final = _pinned[1].removeprefix("v")

REMEDIES: Final = {
    "go": "install Go 1.25 or newer from https://go.dev/dl",
    "cargo": "install Rust from https://rustup.rs, or: apt-get install cargo",
    "clang": "apt-get install clang",
    "protoc": "apt-get install protobuf-compiler",
    "pkg-config": "apt-get install pkg-config",
}
HEARTBEAT_S: Final = 20.0


class MissingToolError(Exception):
    """A tool that the build needs is not installed; the text names each and its remedy."""


def cache() -> Path:
    """Directory outside the tree that keeps what the tests have built."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TSMON_TEST_CACHE") or f"{home}/tsmon").expanduser()


def cached() -> Path:
    """Where the built binary belongs, whether it is there or not."""
    return cache() / f"influxd-{VERSION}" / "influxd"


def find() -> Path | None:
    """An influxd 2.x that is there already: ``TSMON_TEST_INFLUXD``, else on PATH, else in the cache."""
    named = os.environ.get("TSMON_TEST_INFLUXD")
    if named:
        if not os.access(named, os.X_OK):
            raise MissingToolError(f"TSMON_TEST_INFLUXD names {named}, which cannot be run; correct or unset it")
        return Path(named)
    on_path = shutil.which("influxd")
    if on_path and "InfluxDB v2." in _output([on_path, "version"]):
        return Path(on_path)
    return cached() if os.access(cached(), os.X_OK) else None


def install(say: Callable[[str], object] = print) -> Path:
    """Way to an influxd, built if need be: 5 minutes on two cores, seconds where Go's cache is warm.

    Raises :class:`MissingToolError`, or :class:`subprocess.CalledProcessError` with the build's last lines.
    """
    found = find()
    if found is not None:
        return found
    missing = [f"{tool} ({remedy})" for tool, remedy in REMEDIES.items() if shutil.which(tool) is None]
    if missing:
        raise MissingToolError(f"building influxd {VERSION} needs {', '.join(missing)}")
    target = cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / "lock", say):
        if not target.exists():
            _build(target, say)
    return target


@contextmanager
def _locked(path: Path, say: Callable[[str], object]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"influxd {VERSION}: another run is building it; waiting for that")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(target: Path, say: Callable[[str], object]) -> None:
    directory = target.parent
    environment = {
        **os.environ,
        "GOBIN": str(directory),
        "PKG_CONFIG": str(directory / "pkg-config"),
        "RUSTFLAGS": "--cap-lints warn",
    }
    if "RUSTUP_TOOLCHAIN" not in os.environ and shutil.which("rustup"):
        # Flux's sources name an old toolchain and five targets, which rustup would download.
        active = _output(["rustup", "show", "active-toolchain"]).split()
        if active:
            environment["RUSTUP_TOOLCHAIN"] = active[0]
    say(f"influxd {VERSION}: building into {directory}; about 5 minutes, seconds if Go has built it before")
    unfinished = directory / f"influxd.{os.getpid()}"
    try:
        _run(["go", "install", WRAPPER], environment, say)
        flags = ["-mod=readonly", "-buildvcs=false", "-tags=sqlite_foreign_keys,sqlite_json"]
        named = f"-ldflags=-X main.version=v{VERSION}"
        _run(["go", "build", "-v", *flags, named, "-o", str(unfinished), PACKAGE], environment, say)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"influxd {VERSION}: installed as {target}")


def _output(command: list[str]) -> str:
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False).stdout


def _run(command: list[str], environment: dict[str, str], say: Callable[[str], object]) -> None:
    """Run in the module's directory; a sign of life now and then, the output only where it fails."""
    started = said = time.monotonic()
    log = Path(environment["GOBIN"]) / "build.log"
    with log.open("w+") as output:
        process = subprocess.Popen(
            command, cwd=MODULE, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
                if time.monotonic() - said >= HEARTBEAT_S:
                    said = time.monotonic()
                    done = log.read_text(errors="replace").count("\n")
                    say(f"influxd {VERSION}: {said - started:.0f} s, {done} packages compiled")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
            raise subprocess.CalledProcessError(process.returncode, command, output=last)


def main() -> int:
    """Install, or say what is missing."""
    parser = argparse.ArgumentParser(description=f"Install influxd {VERSION} for the tests.")
    parser.add_argument(
        "--if-possible", action="store_true", help="succeed where a tool is missing: its tests are skipped then"
    )
    arguments = parser.parse_args()
    try:
        print(install(lambda text: print(text, flush=True)))
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 0 if arguments.if_possible else 1
    except subprocess.CalledProcessError as error:
        print(f"{error.output}\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
