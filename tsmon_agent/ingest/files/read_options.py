"""How files are read: what the options say, and what each file shows."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.annotated_csv import AnnotatedCsv
from tsmon_agent.ingest.files.chunks import Reader
from tsmon_agent.ingest.files.column_mapping import ColumnMapping
from tsmon_agent.ingest.files.format_detection import FORMATS, detect_format
from tsmon_agent.ingest.files.line_protocol import PRECISIONS, LineProtocol
from tsmon_agent.ingest.files.local_times import find_zone
from tsmon_agent.ingest.files.open_file import STDIN, OpenFile
from tsmon_agent.ingest.files.parquet import Parquet, complete_parquet_mapping
from tsmon_agent.ingest.files.plain_csv import PlainCsv, complete_mapping
from tsmon_agent.ingest.files.time_cells import check_time_format
from tsmon_agent.tables.encodings import check_encoding, describe_encoding
from tsmon_agent.tables.times import TIME_UNITS

__all__ = ["ReadOptions"]

DEFAULT_PRECISION: Final = "ns"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The options that say how to read files; raises :class:`~tsmon.errors.ImportingError` for mistakes in them."""

    format: str | None
    precision: str | None
    columns: ColumnMapping
    encoding: str | None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise ImportingError(f"--format {self.format}: there are {', '.join(FORMATS)}")
        if self.precision is not None and self.precision not in PRECISIONS:
            raise ImportingError(f"--precision {self.precision}: there are {', '.join(PRECISIONS)}")
        find_zone(self.columns.timezone)
        check_time_format(self.columns.time_format)
        if self.encoding is not None:
            object.__setattr__(self, "encoding", check_encoding(self.encoding))

    def __str__(self) -> str:
        encoding = "" if self.encoding is None else f" {self.encoding}"
        return f"{self.format} {self.precision or DEFAULT_PRECISION} {self.columns!r}{encoding}"

    def check_file(self, path: Path) -> None:
        """Raise :class:`~tsmon.errors.ImportingError` if the options do not suffice for this file."""
        if path == STDIN and self.format is None:
            raise ImportingError("the format of standard input cannot be detected; name it by --format")

    def build_reader(self, path: Path, file: OpenFile) -> tuple[Reader, str]:
        """Build the reader for a file; returns it with a description of the format."""
        if file.is_parquet:
            try:
                table = complete_parquet_mapping(path, self.columns, file.stream)
            except ImportingError as error:
                text = str(error)
                raise ImportingError(text if text.startswith(f"{path} is") else f"{path}: {text}") from None
            return Parquet(path, table), f"Parquet with {table}"
        form = self.format or detect_format(file.head)
        encoding = describe_encoding(file.head, file.encoding)
        of_encoding = f", {encoding}" if encoding else ""
        if form == "line-protocol":
            precision = self.precision or DEFAULT_PRECISION
            return LineProtocol(precision, file.encoding), f"line protocol in {precision}{of_encoding}"
        if form == "annotated-csv":
            unit_ns = None if self.precision is None else TIME_UNITS[self.precision]
            reader = AnnotatedCsv(self.columns.measurement, self.columns.timezone, unit_ns, file.encoding)
            return reader, f"annotated CSV{of_encoding}"
        try:
            table = complete_mapping(self.columns, io.BytesIO(file.head), encoding=file.encoding)
        except ImportingError as error:
            raise ImportingError(f"{path}: {error}") from None
        return PlainCsv(table, file.encoding), f"a table with {table}{of_encoding}"
