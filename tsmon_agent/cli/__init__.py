"""The command ``tsmon-agent``, one file per noun."""

from tsmon_agent.cli.app import app
from tsmon_agent.cli.commands import main

__all__ = ["app", "main"]
