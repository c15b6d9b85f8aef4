"""Progress of an import: a bar on a terminal, otherwise a line every ten seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tsmon.logs.safe_text import escape_unprintable

__all__ = ["ImportProgress", "show_progress"]

EVERY_S: Final = 10.0


class ImportProgress:
    """Shows how far an import is; ``bar`` is None if standard error is not a terminal."""

    def __init__(self, name: str, size: int | None, unit: str, bar: Any) -> None:
        self._name = escape_unprintable(name)
        self._size = size
        self._unit = unit
        self._bar = bar
        self._task = bar.add_task(self._name, total=size, count=0, rate=0.0) if bar is not None else None
        self._started = self._printed = time.monotonic()

    def update(self, read_bytes: int, count: int) -> None:
        """Show the bytes of the file read so far, and the points or rows stored by this run."""
        now = time.monotonic()
        rate = count / max(now - self._started, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=read_bytes, count=count, rate=rate)
        elif now - self._printed >= EVERY_S:
            self._printed = now
            share = f" ({100 * read_bytes // self._size} %)" if self._size else ""
            self.print(f"{read_bytes:,} bytes{share}, {count:,} {self._unit}, {rate:,.0f} {self._unit}/s")

    def print(self, text: str) -> None:
        """Print a message about the file; nothing in it controls the terminal."""
        text = escape_unprintable(text)
        if self._bar is not None:
            self._bar.console.print(f"{self._name}: {text}", markup=False, highlight=False)
        else:
            print(f"{self._name}: {text}", file=sys.stderr, flush=True)


@contextmanager
def show_progress(name: str, size: int | None, unit: str) -> Iterator[ImportProgress]:
    """Context manager that shows the progress of a file; ``size`` is in bytes, None if unknown.

    ``unit`` is what is counted, such as ``points``.
    """
    if not sys.stderr.isatty():
        yield ImportProgress(name, size, unit, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn(f"{{task.fields[count]:,}} {unit}"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield ImportProgress(name, size, unit, bar)
