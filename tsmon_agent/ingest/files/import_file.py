"""The import of one file, from where the last run stopped to the end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tsmon.errors import ImportingError
from tsmon.stores import Store
from tsmon_agent.ingest.files.chunks import BadRow, Chunk, Reader, close_chunks
from tsmon_agent.ingest.files.journal import Journal
from tsmon_agent.ingest.files.open_file import OpenFile
from tsmon_agent.ingest.files.progress import ImportProgress
from tsmon_agent.ingest.files.retention_check import RetentionCheck
from tsmon_agent.ingest.files.write_chunks import write_lines
from tsmon_agent.tables.compression import explain_read_errors

__all__ = ["ImportResult", "RejectedRowsFile", "import_file", "next_chunk"]

NAMED: Final = 5
"""Number of bad rows that are reported one by one; all of them are in the file of rejected rows."""


@dataclass(slots=True)
class ImportResult:
    """Points imported by this run and by earlier runs, and rows rejected by all of them."""

    imported: int = 0
    before: int = 0
    rejected: int = 0


class RejectedRowsFile:
    """A file of rows that are not points or that the store refused: JSON lines of file, line, reason and text."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, source: str, rows: list[BadRow]) -> None:
        """Append rows; raises :class:`~tsmon.errors.ImportingError` if that is impossible."""
        data = b"".join(
            msgspec.json.encode(
                {
                    "file": source.encode(errors="backslashreplace").decode(),
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
                f"{self.path} cannot be written: {error.strerror}; name another file by --rejected"
            ) from None


async def import_file(
    store: Store,
    name: Path,
    file: OpenFile,
    reader: Reader,
    journal: Journal,
    rejected: RejectedRowsFile,
    progress: ImportProgress,
    retention: RetentionCheck | None = None,
) -> ImportResult:
    """Write a file chunk by chunk, except what earlier runs have stored; raises ImportingError."""
    known = journal.entry
    result = ImportResult(before=known.imported, rejected=known.rejected)
    chunks = reader.read_chunks(file.stream, known.position, known.line)
    upcoming = asyncio.create_task(asyncio.to_thread(next_chunk, name, chunks))
    try:
        while (chunk := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(next_chunk, name, chunks))
            if retention is not None:
                retention.check(str(name), chunk, known.imported)
                if series := retention.find_new_series(chunk):
                    await store.keep_streams(series)
            refused = await write_lines(store, chunk.lines, progress.print)
            bad = sorted([*chunk.bad, *_find_line_numbers(chunk, refused)], key=lambda row: row.line)
            if bad:
                rejected.append(str(name), bad)
                for row in bad[: max(NAMED - result.rejected, 0)]:
                    progress.print(f"line {row.line} is rejected: {row.reason}")
            result.imported += len(chunk.lines) - len(refused)
            result.rejected += len(bad)
            known.position, known.line = chunk.position, chunk.line
            known.imported, known.rejected = result.before + result.imported, result.rejected
            journal.save()
            progress.update(file.read_bytes, result.imported)
    finally:
        # A thread that reads cannot be interrupted; it ends after its chunk.
        await asyncio.wait([upcoming])
        if upcoming.done() and not upcoming.cancelled():
            upcoming.exception()
        close_chunks(chunks)
    known.finished = True
    journal.save()
    return result


def next_chunk(name: Path, chunks: Iterator[Chunk]) -> Chunk | None:
    """The next chunk of a file, None at its end; raises ImportingError that names the file."""
    with explain_read_errors(str(name), after="what came before is imported; "):
        try:
            return next(chunks, None)
        except ImportingError as error:
            raise ImportingError(f"{name}: {error}") from None


def _find_line_numbers(chunk: Chunk, refused: list[tuple[str, str]]) -> Iterator[BadRow]:
    if not refused:
        return
    numbers = {line: index for index, line in reversed(list(enumerate(chunk.lines)))}
    for line, reason in refused:
        index = numbers.get(line)
        yield BadRow(chunk.line - 1 if index is None else chunk.number_of(index), reason, line)
