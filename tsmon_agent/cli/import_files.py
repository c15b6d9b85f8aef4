"""The command ``tsmon-agent import``: history from files."""

import asyncio
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tsmon.cli.terminal import say
from tsmon.logs.safe_text import escape_unprintable_lines
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile

if TYPE_CHECKING:
    from tsmon.stores import Store
    from tsmon_agent.ingest.files import ImportResult, ReadOptions, RetentionCheck
    from tsmon_agent.settings import Settings

PREVIEW_LINES: Final = 5


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Files, as they are or compressed; - for standard input."),
    ],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="line-protocol, annotated-csv or csv; by default detected."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Encoding of text, such as utf-8, utf-16 or cp1252; by default recognised."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="Unit of times in line protocol, and of numbers in annotated CSV: ns, us, ms or s."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML that describes the columns of plain tables.")
    ] = None,
    measurement: Annotated[
        str | None, typer.Option("--measurement", "-m", metavar="NAME", help="Measurement of a table.")
    ] = None,
    measurement_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column with the measurement.")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the time, or of the date.")] = None,
    time_of_day: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the time of day, beside one of the date.")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="iso; dmy, mdy or ymd, the order of dates; s, ms, us or ns since the epoch; or as %Y-%m-%d %H:%M.",
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="Time zone of times without one, such as Europe/Berlin or +01:00; UTC by default."
        ),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column of tags.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN[:TYPE]", help="A column of values: float, int, uint, bool or str."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A cell that has no value, such as -9999; NULL, NA or - in numbers."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="CHARACTER", help="Character between cells, or tab or space; by default recognised."),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="SIGN", help="Decimal sign, a point or a comma; by default recognised.")
    ] = None,
    thousands: Annotated[
        str | None,
        typer.Option(metavar="SIGN", help="Separator of thousands: . , ' space or none; by default recognised."),
    ] = None,
    comment: Annotated[
        str, typer.Option(metavar="TEXT", help="Beginning of lines that are comments.", show_default=True)
    ] = "#",
    header_line: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="Line with the names of columns; by default recognised."),
    ] = None,
    unit_rows: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="Rows below the header with units; by default recognised."),
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for rejected rows, instead of FILE.rejected.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first points as line protocol, and store nothing.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start over, regardless of what was imported before.")
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep these series as expected streams are kept, for ever unless the settings limit it."
        ),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Import history: line protocol, annotated CSV or plain tables; run again, it resumes.

    Points that the agent's retention would remove are refused, unless their streams are expected, or with --keep.
    """
    from tsmon_agent.ingest.files import ColumnMapping, ReadOptions, load_mapping, override_mapping
    from tsmon_agent.settings import load_settings

    columns = override_mapping(
        load_mapping(mapping) if mapping is not None else ColumnMapping(),
        fields=field or [],
        measurement=measurement,
        measurement_column=measurement_column,
        time=time,
        time_of_day=time_of_day,
        time_format=time_format,
        timezone=timezone,
        tags=tag,
        missing=missing,
        delimiter=delimiter,
        decimal=decimal,
        thousands=thousands,
        comment=comment if comment != "#" else None,
        header_line=header_line,
        unit_rows=unit_rows,
    )
    options = ReadOptions(format_, precision, columns, encoding)
    loaded = load_settings(settings)
    if dry_run:
        for file in files:
            _preview(file, options)
        return
    from tsmon.stores.factory import store_from

    store = store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)
    rejected_count = asyncio.run(
        _import_all(store, loaded, files, options, rejected=rejected, restart=restart, keep=keep)
    )
    if rejected_count:
        raise typer.Exit(1)


def _preview(path: Path, options: "ReadOptions") -> None:
    from tsmon_agent.ingest.files import next_chunk, open_file

    options.check_file(path)
    with open_file(path, encoding=options.encoding) as one:
        reader, what = options.build_reader(path, one)
        say(f"# {path} is {what}", err=True)
        first = next_chunk(path, reader.read_chunks(one.stream, 0, 1))
    for line in itertools.islice(first.lines if first else [], PREVIEW_LINES):
        typer.echo(escape_unprintable_lines(line) if sys.stdout.isatty() else line)
    for bad in first.bad[:PREVIEW_LINES] if first else []:
        say(f"# line {bad.line} would be rejected: {bad.reason}", err=True)


async def _import_all(
    store: "Store",
    settings: "Settings",
    files: list[Path],
    options: "ReadOptions",
    *,
    rejected: Path | None,
    restart: bool,
    keep: bool,
) -> int:
    """Import files in turn, none if retention would remove a point; returns the number of rejected rows."""
    from tsmon_agent.cli.import_retention import build_retention_check, check_file

    rejected_count = 0
    async with store, store.backfill(lambda measurement: say(f"rolling up {measurement}", err=True)):
        check = await build_retention_check(store, settings, keeps=keep)
        for path in files:
            if check is None or not path.is_file():
                continue
            if not _open_journal(store, path, options, restart=restart).entry.finished:
                check_file(check, path, options)
        for path in files:
            result = await _import_one(store, path, options, check, rejected=rejected, restart=restart)
            rejected_count += result.rejected
    return rejected_count


async def _import_one(
    store: "Store",
    path: Path,
    options: "ReadOptions",
    check: "RetentionCheck | None",
    *,
    rejected: Path | None,
    restart: bool,
) -> "ImportResult":
    from tsmon_agent.ingest.files import (
        STDIN,
        ImportResult,
        LineProtocol,
        RejectedRowsFile,
        import_file,
        open_file,
        show_progress,
    )

    options.check_file(path)
    with open_file(path, encoding=options.encoding) as one:
        reader, what = options.build_reader(path, one)
        # A row of a table may be one of several of a point, or replace an earlier one; a line is a point.
        unit = "points" if isinstance(reader, LineProtocol) else "rows"
        journal = _open_journal(store, path, options, restart=restart)
        if journal.entry.finished:
            say(f"{path} was imported before: {journal.entry.imported:,} {unit}; --restart imports it again")
            return ImportResult(before=journal.entry.imported)
        if journal.entry.position:
            say(f"{path} resumes after line {journal.entry.line - 1:,}, which is stored", err=True)
        say(f"{path} is {what}", err=True)
        default = Path("standard-input.rejected") if path == STDIN else path.with_name(f"{path.name}.rejected")
        rejected_rows = RejectedRowsFile(rejected or default)
        with show_progress(str(path), one.size, unit) as progress:
            result = await import_file(store, path, one, reader, journal, rejected_rows, progress, check)
    before = f", {result.before:,} before" if result.before else ""
    bad = f"; {result.rejected:,} rejected rows are in {rejected_rows.path}" if result.rejected else ""
    say(f"{path}: {result.imported:,} {unit} imported{before}{bad}")
    return result


def _open_journal(store: "Store", path: Path, options: "ReadOptions", *, restart: bool) -> Any:
    from tsmon.files.user_places import NO_HOME, find_user_directory, why_not_creatable
    from tsmon_agent.ingest.files import STDIN, Journal, JournalEntry, open_journal

    if path == STDIN:
        return Journal(None, JournalEntry("", "-"))
    if not path.is_file():
        # A pipe cannot be read twice.
        return Journal(None, JournalEntry("", str(path)))
    state = find_user_directory("state")
    reason = NO_HOME if state is None else why_not_creatable(state / "imports" / "journal")
    if state is None or reason is not None:
        say(f"{path} starts over if it is interrupted, because {reason}, so there is no journal", err=True)
        return Journal(None, JournalEntry("", str(path)))
    return open_journal(path, state / "imports", target=f"{store} {options}", restart=restart)
