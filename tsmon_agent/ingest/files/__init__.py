"""History from files into the store: line protocol, annotated CSV, plain tables."""

from tsmon_agent.ingest.files.annotated_csv import AnnotatedCsv
from tsmon_agent.ingest.files.chunks import BadRow, Portion, Reader
from tsmon_agent.ingest.files.column_mapping import ColumnMapping, column_mapping, mapping_file
from tsmon_agent.ingest.files.format_detection import FORMATS, Format, format_of
from tsmon_agent.ingest.files.import_file import Outcome, PutAside, import_file
from tsmon_agent.ingest.files.journal import Journal, Progress, journal_of
from tsmon_agent.ingest.files.line_protocol import PRECISIONS, LineProtocol
from tsmon_agent.ingest.files.open_file import STDIN, Opened, opened
from tsmon_agent.ingest.files.plain_csv import PlainCsv, completed
from tsmon_agent.ingest.files.progress import shown

__all__ = [
    "FORMATS",
    "PRECISIONS",
    "STDIN",
    "AnnotatedCsv",
    "BadRow",
    "ColumnMapping",
    "Format",
    "Journal",
    "LineProtocol",
    "Opened",
    "Outcome",
    "PlainCsv",
    "Portion",
    "Progress",
    "PutAside",
    "Reader",
    "column_mapping",
    "completed",
    "format_of",
    "import_file",
    "journal_of",
    "mapping_file",
    "opened",
    "shown",
]
