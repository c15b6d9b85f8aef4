"""The import of one file, from where it broke off, to its end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tsmon.errors import ImportingError
from tsmon.stores import Store
from tsmon_agent.ingest.files.chunks import BadRow, Portion, Reader
from tsmon_agent.ingest.files.journal import Journal
from tsmon_agent.ingest.files.open_file import Opened, truncated
from tsmon_agent.ingest.files.progress import Shown
from tsmon_agent.ingest.files.write_chunks import written

__all__ = ["Outcome", "PutAside", "import_file"]

NAMED: Final = 5
"""How many bad rows are told of one by one; all of them are in the file of what was put aside."""


@dataclass(slots=True)
class Outcome:
    """Points imported by this run and by earlier ones, and rows put aside by all of them."""

    imported: int = 0
    before: int = 0
    put_aside: int = 0


class PutAside:
    """Rows that are no points, or that the store refused: JSON lines with file, line, reason and text."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, source: str, rows: list[BadRow]) -> None:
        """Append rows; raises :class:`~tsmon.errors.ImportingError` where that is impossible."""
        data = b"".join(
            msgspec.json.encode(
                {
                    "file": source,
                    "line": row.line,
                    "reason": row.reason,
                    "text": row.text.encode(errors="backslashreplace").decode(),
                }
            )
            + b"\n"
            for row in rows
        )
        try:
            with self.path.open("ab") as file:
                file.write(data)
        except OSError as error:
            raise ImportingError(
                f"{self.path} cannot be written: {error.strerror}; name another place by --rejected"
            ) from None


async def import_file(
    store: Store, name: Path, opened: Opened, reader: Reader, journal: Journal, aside: PutAside, progress: Shown
) -> Outcome:
    """Write all of a file that is not known to be stored, portion by portion; raises ImportingError."""
    known = journal.progress
    outcome = Outcome(before=known.imported, put_aside=known.put_aside)
    portions = reader.portions(opened.file, known.position, known.line)
    upcoming = asyncio.create_task(asyncio.to_thread(_next, name, portions))
    try:
        while (portion := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(_next, name, portions))
            refused = await written(store, portion.lines, progress.say)
            bad = sorted([*portion.bad, *_numbered(portion, refused)], key=lambda row: row.line)
            if bad:
                aside.keep(str(name), bad)
                for row in bad[: max(NAMED - outcome.put_aside, 0)]:
                    progress.say(f"line {row.line} is put aside: {row.reason}")
            outcome.imported += len(portion.lines) - len(refused)
            outcome.put_aside += len(bad)
            known.position, known.line = portion.position, portion.line
            known.imported, known.put_aside = outcome.before + outcome.imported, outcome.put_aside
            journal.save()
            progress.update(opened.read_bytes, outcome.imported)
    finally:
        # A thread that reads cannot be broken off; it ends with its portion.
        await asyncio.wait([upcoming])
        if upcoming.done() and not upcoming.cancelled():
            upcoming.exception()
    known.finished = True
    journal.save()
    return outcome


def _next(name: Path, portions: Iterator[Portion]) -> Portion | None:
    with truncated(name):
        return next(portions, None)


def _numbered(portion: Portion, refused: list[tuple[str, str]]) -> Iterator[BadRow]:
    if not refused:
        return
    numbers = {line: index for index, line in reversed(list(enumerate(portion.lines)))}
    for line, reason in refused:
        index = numbers.get(line)
        yield BadRow(portion.line - 1 if index is None else portion.number_of(index), reason, line)
