"""The command ``tsmon-agent``, one file per noun."""

from tsmon_agent.cli.commands import app, main

__all__ = ["app", "main"]
