"""Fill a directory with the history of an observatory, once, then run the agent on it with live instruments."""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from examples.demo.filling import fill
from examples.demo.live import produce
from tsmon import TsmonError
from tsmon_agent.agent import Agent
from tsmon_agent.logging_config import log_to_stderr
from tsmon_agent.settings import Settings, load_settings

SETTINGS: Final = Path(__file__).with_name("tsmon.toml")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(".demo"), help="default: .demo")
    parser.add_argument("--years", type=float, default=5, help="years of history; default: 5")
    parser.add_argument(
        "--port", type=int, default=9000, help="default: 9000; if it is in use, a free port is chosen"
    )
    arguments = parser.parse_args()
    log_to_stderr(verbose=False)
    logging.getLogger().setLevel(logging.WARNING)
    # Variables for other uses of tsmon, such as the URL of a server, do not apply to the demo.
    for name in [name for name in os.environ if name.startswith("TSMON_")]:
        del os.environ[name]
    try:
        arguments.directory.mkdir(parents=True, exist_ok=True)
        os.chdir(arguments.directory)
        with Path("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            asyncio.run(until_stopped(arguments.years, arguments.port))
    except BlockingIOError:
        sys.exit(f"another demo runs in {arguments.directory}; stop it, or name another directory")
    except (OSError, TsmonError) as error:
        sys.exit(f"the demo cannot run: {error}")


async def until_stopped(years: float, port: int) -> None:
    """Run the demo until Ctrl-C, SIGTERM, or the terminal closes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    demo, stopped = asyncio.create_task(run(years, port)), asyncio.create_task(stop.wait())
    await asyncio.wait([demo, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    demo.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await demo


async def run(years: float, port: int) -> None:
    """Fill the directory if it is empty, run the agent, and emit points of the live instruments."""
    shutil.copyfile(SETTINGS, "tsmon.toml")
    settings = load_settings("tsmon.toml")
    assert settings.monitoring.file is not None
    if not settings.monitoring.file.exists():
        await fill(settings, years)
    agent = Agent(_with_port(find_free_port(port), settings))
    await agent.start()
    try:
        live = asyncio.create_task(produce(agent.context.monitor))
        await asyncio.sleep(0)
        await agent.context.monitor.flush(timeout=5)
        await agent.context.freshness.run_round(agent.context.store)
        print(
            f"\nthe demo is running; open\n\n"
            f"  {agent.web_address}/streams\n"
            "      all instruments with their status; one changes every two minutes\n"
            f"  {agent.web_address}/streams/RS03AXBS-LJ03A-12-CTDPFB301?range=all\n"
            "      all years of that instrument: deployments, outages, sparse periods\n"
            f"  {agent.web_address}/streams/RS03INT1-MJ03C-10-TRHPHA301?range=all\n"
            "      a new instrument with a point every ten seconds\n"
            f"  {agent.web_address}/\n"
            "      this host\n\n"
            "Ctrl-C stops it; the next start continues with the same data.",
            flush=True,
        )
        await live
    finally:
        await agent.stop()


def _with_port(port: int, settings: Settings) -> Settings:
    return settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})


def find_free_port(wanted: int) -> int:
    """The wanted port, or 0 (any port) if another program uses it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


if __name__ == "__main__":
    main()
