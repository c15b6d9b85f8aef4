"""Progress of a command that takes seconds: a bar on a terminal, else nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmon.stores import ReportProgress

__all__ = ["progress_bar"]


@contextmanager
def progress_bar() -> Iterator["ReportProgress"]:
    """A function that shows progress: as a bar on a terminal, else not at all."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)
