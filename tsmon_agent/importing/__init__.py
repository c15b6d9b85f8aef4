"""History from files into the store: line protocol, annotated CSV, plain tables."""

from tsmon_agent.importing.annotated import AnnotatedCsv
from tsmon_agent.importing.formats import FORMATS, Format, format_of
from tsmon_agent.importing.journal import Journal, Progress, journal_of
from tsmon_agent.importing.lines import PRECISIONS, LineProtocol
from tsmon_agent.importing.mapping import ColumnMapping, column_mapping, mapping_file
from tsmon_agent.importing.opened import STDIN, Opened, opened
from tsmon_agent.importing.portions import BadRow, Portion, Reader
from tsmon_agent.importing.run import Outcome, PutAside, import_file
from tsmon_agent.importing.shown import shown
from tsmon_agent.importing.table import PlainCsv, completed

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
