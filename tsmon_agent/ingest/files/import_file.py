"""The import of one file, from where it broke off, to its end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tsmon.errors import ImportingError
from tsmon.stores import Store
from tsmon_agent.ingest.files.chunks import BadRow, Chunk, Reader
from tsmon_agent.ingest.files.journal import Journal
from tsmon_agent.ingest.files.open_file import OpenFile, explain_read_errors
from tsmon_agent.ingest.files.progress import ImportProgress
from tsmon_agent.ingest.files.write_chunks import write_lines

__all__ = ["ImportResult", "RejectedRows", "import_file"]

NAMED: Final = 5
"""How many bad rows are told of one by one; all of them are in the file of what was put aside."""


@dataclass(slots=True)
class ImportResult:
    """Points imported by this run and by earlier ones, and rows put aside by all of them."""

    imported: int = 0
    before: int = 0
    put_aside: int = 0


class RejectedRows:
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
    store: Store,
    name: Path,
    opened: OpenFile,
    reader: Reader,
    journal: Journal,
    aside: RejectedRows,
    progress: ImportProgress,
) -> ImportResult:
    """Write all of a file that is not known to be stored, chunk by chunk; raises ImportingError."""
    known = journal.entry
    outcome = ImportResult(before=known.imported, put_aside=known.put_aside)
    chunks = reader.read_chunks(opened.file, known.position, known.line)
    upcoming = asyncio.create_task(asyncio.to_thread(_next, name, chunks))
    try:
        while (chunk := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(_next, name, chunks))
            refused = await write_lines(store, chunk.lines, progress.say)
            bad = sorted([*chunk.bad, *_numbered(chunk, refused)], key=lambda row: row.line)
            if bad:
                aside.keep(str(name), bad)
                for row in bad[: max(NAMED - outcome.put_aside, 0)]:
                    progress.say(f"line {row.line} is put aside: {row.reason}")
            outcome.imported += len(chunk.lines) - len(refused)
            outcome.put_aside += len(bad)
            known.position, known.line = chunk.position, chunk.line
            known.imported, known.put_aside = outcome.before + outcome.imported, outcome.put_aside
            journal.save()
            progress.update(opened.read_bytes, outcome.imported)
    finally:
        # A thread that reads cannot be broken off; it ends with its chunk.
        await asyncio.wait([upcoming])
        if upcoming.done() and not upcoming.cancelled():
            upcoming.exception()
    known.finished = True
    journal.save()
    return outcome


def _next(name: Path, chunks: Iterator[Chunk]) -> Chunk | None:
    with explain_read_errors(name):
        return next(chunks, None)


def _numbered(chunk: Chunk, refused: list[tuple[str, str]]) -> Iterator[BadRow]:
    if not refused:
        return
    numbers = {line: index for index, line in reversed(list(enumerate(chunk.lines)))}
    for line, reason in refused:
        index = numbers.get(line)
        yield BadRow(chunk.line - 1 if index is None else chunk.number_of(index), reason, line)
