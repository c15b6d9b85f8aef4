"""The command ``tsmon``: look at settings, spool and point classes from a terminal."""

from tsmon.cli.commands import app, main

__all__ = ["app", "main"]
