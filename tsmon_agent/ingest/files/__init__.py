"""Import of history from files into the store: line protocol, annotated CSV, plain tables."""

from tsmon_agent.ingest.files.annotated_csv import AnnotatedCsv
from tsmon_agent.ingest.files.chunks import BadRow, Chunk, Reader
from tsmon_agent.ingest.files.column_mapping import ColumnMapping, load_mapping, override_mapping
from tsmon_agent.ingest.files.format_detection import FORMATS, Format, detect_format
from tsmon_agent.ingest.files.import_file import ImportResult, RejectedRowsFile, import_file, next_chunk
from tsmon_agent.ingest.files.journal import Journal, JournalEntry, open_journal
from tsmon_agent.ingest.files.line_protocol import PRECISIONS, LineProtocol
from tsmon_agent.ingest.files.open_file import STDIN, OpenFile, open_file
from tsmon_agent.ingest.files.plain_csv import PlainCsv, complete_mapping
from tsmon_agent.ingest.files.progress import show_progress
from tsmon_agent.ingest.files.read_options import ReadOptions
from tsmon_agent.ingest.files.retention_check import RetentionCheck

__all__ = [
    "FORMATS",
    "PRECISIONS",
    "STDIN",
    "AnnotatedCsv",
    "BadRow",
    "Chunk",
    "ColumnMapping",
    "Format",
    "ImportResult",
    "Journal",
    "JournalEntry",
    "LineProtocol",
    "OpenFile",
    "PlainCsv",
    "ReadOptions",
    "Reader",
    "RejectedRowsFile",
    "RetentionCheck",
    "complete_mapping",
    "detect_format",
    "import_file",
    "load_mapping",
    "next_chunk",
    "open_file",
    "open_journal",
    "override_mapping",
    "show_progress",
]
