"""The command ``tsmon``: checks settings and line protocol, shows point classes, manages the spool."""

from tsmon.cli.commands import app, main

__all__ = ["app", "main"]
