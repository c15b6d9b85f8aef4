"""``python -m tsmon_agent.dashboards [--check] [DIRECTORY]``."""

import argparse
import sys
from pathlib import Path

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error

DIRECTORY = Path("grafana/dashboards")


def main(arguments: list[str] | None = None) -> int:
    """Write the dashboards, or check them; the exit status is 1 if files differ, 2 if that is impossible."""
    parser = argparse.ArgumentParser(
        prog="python -m tsmon_agent.dashboards", description="Write tsmon's dashboards for Grafana."
    )
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=DIRECTORY,
        metavar="DIRECTORY",
        help=f"an existing directory (default: {DIRECTORY})",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name the files that differ and exit with 1"
    )
    chosen = parser.parse_args(arguments)
    try:
        from tsmon_agent.dashboards.files import FILES, find_stale, write
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("grafana_foundation_sdk"):
            raise
        return _fail("the Grafana Foundation SDK is not installed; pip install 'tsmon[dashboards]'")
    try:
        if not chosen.directory.is_dir():
            return _fail(f"{chosen.directory} is not a directory; create it, or name another")
        if not chosen.check:
            write(chosen.directory)
            print(f"{chosen.directory}: {', '.join(FILES)}")
            return 0
        names = find_stale(chosen.directory)
    except (OSError, TsmonError) as error:
        return _fail(describe_error(error))
    for name in names:
        print(f"{chosen.directory / name} differs; write it by python -m tsmon_agent.dashboards", file=sys.stderr)
    return 1 if names else 0


def _fail(reason: str) -> int:
    print(f"tsmon_agent.dashboards: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
