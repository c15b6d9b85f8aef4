"""InfluxDB's annotated CSV: results of queries, and what ``influx write`` takes.

Results are as ``influx query --raw`` and ``/api/v2/query`` return them. In a table with ``_field`` and ``_value``,
each row is one field. In a pivoted table, every column without a leading underscore is a field, unless it belongs
to the group key. Other string columns, and those of the group key, are tags. For the other dialect see
:mod:`~tsmon_agent.ingest.files.write_dialect`. A file may have tables of both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from tsmon.errors import ImportingError, StoreError
from tsmon.stores.influxdb.annotated_csv import Row, TableParser
from tsmon_agent.ingest.files.chunks import Chunk
from tsmon_agent.ingest.files.csv_records import Field, build_line, read_records
from tsmon_agent.ingest.files.local_times import find_zone
from tsmon_agent.ingest.files.repeated_hours import UndatedLine
from tsmon_agent.ingest.files.write_dialect import (
    OF_COLUMNS,
    Annotations,
    TableOptions,
    WriteTable,
    match_annotation,
)

__all__ = ["AnnotatedCsv"]

_KINDS: Final = {
    "boolean": "bool",
    "double": "float",
    "long": "int",
    "string": "str",
    "unsignedLong": "uint",
}


@dataclass(frozen=True, slots=True)
class AnnotatedCsv:
    """Reads annotated CSV.

    ``measurement`` is for tables without one, ``timezone`` for times without a zone, and ``unit_ns`` for numbers.
    ``encoding`` is that of the file before it was made UTF-8, if it was given or recognised.
    """

    measurement: str | None = None
    timezone: str = "UTC"
    unit_ns: int | None = None
    encoding: str | None = None

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are line numbers."""
        tables = _Tables(TableOptions(self.measurement, find_zone(self.timezone), self.unit_ns))
        yield from read_records(file, position, ",", tables.convert, encoding=self.encoding)


class _Tables:
    """Converts records, knowing the annotations and the header above them."""

    def __init__(self, options: TableOptions) -> None:
        self._options = options
        self._annotations = Annotations()
        self._rows: list[list[str]] = []
        self._table: WriteTable | TableParser | None = None

    def convert(self, cells: list[str]) -> Iterator[str | UndatedLine]:
        """The line of a record; none of an annotation, a header and an empty record."""
        if not cells:
            if isinstance(self._table, TableParser):
                # The next table may have no annotations of its own.
                self._table = None
        elif cells[0].startswith("#"):
            self._annotate(cells)
        elif self._table is None:
            self._table = self._begin(cells)
        elif isinstance(self._table, TableParser):
            yield from self._convert_result(self._table, cells)
        else:
            if self._annotations.added:
                # Annotations between rows hold from there on.
                self._table = self._table.add(self._annotations.added, self._annotations.zone)
                self._annotations.added = []
            yield self._table.build_line(cells)

    def _annotate(self, cells: list[str]) -> None:
        name = match_annotation(cells[0])
        if not name:
            if cells[0].strip("#")[:1] in ("", " "):
                return
            known = "#datatype, #group, #default, #constant, #concat and #timezone"
            raise ValueError(
                f"{cells[0]} is not an annotation; there are {known}, and comments begin with # and a space"
            )
        if name in OF_COLUMNS and (
            self._table is not None or name in (row[0].partition(" ")[0] for row in self._rows)
        ):
            self._annotations = Annotations(added=self._annotations.added, zone=self._annotations.zone)
            self._rows = []
            self._table = None
        self._annotations.add(name, cells)
        if name in OF_COLUMNS:
            self._rows.append(cells)

    def _begin(self, header: list[str]) -> WriteTable | TableParser:
        if header[:3] != ["", "result", "table"] and "error" not in header[:2]:
            found = self._annotations
            columns = found.build_columns(header)
            table = WriteTable(columns, found.added, found.zone, self._options)
            found.added = []
            return table
        parser = TableParser()
        if "error" not in header[:2]:
            self._check_result(header)
        for row in self._rows:
            parser.parse_record(row)
        if self._annotations.groups is None:
            parser.parse_record(["#group", *("false" for _ in header[1:])])
        parser.parse_record(header)
        return parser

    def _check_result(self, header: Sequence[str]) -> None:
        missing = [] if self._annotations.types is not None else ["#datatype"]
        if self._annotations.groups is None and not {"_field", "_value"} <= set(header):
            # In a pivoted table, only the group key tells tags from fields.
            missing.append("#group")
        if missing:
            raise ImportingError(
                f"the table has no row {' and no row '.join(missing)} above its header; export it with its "
                "annotations, as influx query --raw does"
            )

    def _convert_result(self, parser: TableParser, cells: list[str]) -> Iterator[str]:
        try:
            row = parser.parse_record(cells)
        except StoreError as error:
            raise ValueError(str(error)) from None
        if row is not None and (made := self._build_line(row)) is not None:
            yield made

    def _build_line(self, row: Row) -> str | None:
        values, types = row.values, row.types
        measurement = values.get("_measurement", self._options.measurement)
        if measurement is None:
            raise ValueError("it has no _measurement; name one by --measurement")
        if "_time" not in values:
            raise ValueError("it has no _time")
        tags = dict(row.tags)
        fields: list[Field] = []
        if "_field" in types and "_value" in types:
            tags |= {key: value for key, value in values.items() if _is_tag(key, types[key])}
            if "_value" in values:
                fields = [(values["_field"], values["_value"], _type_of("_value", types["_value"]))]
        else:
            for key, value in values.items():
                if not key.startswith("_") and key not in row.tags:
                    fields.append((key, value, _type_of(key, types[key])))
        # A row of nulls has no values; it is not an error.
        return build_line(measurement, tags.items(), fields, values["_time"]) if fields else None


def _is_tag(key: str, type_: str) -> bool:
    return type_ == "string" and not key.startswith("_")


def _type_of(key: str, type_: str) -> str:
    if type_ not in _KINDS:
        raise ValueError(f"column {key} is of type {type_}, which no field can have")
    return _KINDS[type_]
