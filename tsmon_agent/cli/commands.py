"""The command ``tsmon-agent``: all of its commands, in the order of the help, and how it ends."""

from importlib import import_module
from typing import Final

from tsmon.cli.ending import run_command
from tsmon_agent.cli.app import app

__all__ = ["main"]

COMMANDS: Final = (
    "run",
    "once",
    "check",
    "status",
    "fresh",
    "available",
    "import_files",
    "audit",
    "streams",
    "deployments",
    "token",
    "db",
    "confirm_clock",
    "backup",
    "rollups",
    "retention",
    "migrate",
)
"""Files of this package, each with one command or noun, which it adds to the application."""

for _name in COMMANDS:
    import_module(f"tsmon_agent.cli.{_name}")


def main() -> None:
    """Run the command; a user's mistake ends it with one sentence and exit code 1."""
    run_command("tsmon-agent", app)
